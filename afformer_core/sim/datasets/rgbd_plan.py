# SPDX-License-Identifier: Apache-2.0
"""Plan of an RGB-D rosbag."""

from __future__ import annotations

from dataclasses import dataclass, field

from afformer_core.sim.bodies.seeds import scene_seed
from afformer_core.sim.cameras.depth_camera import DepthCamera
from afformer_core.sim.datasets.rgbd_messages import DEPTH_ENCODINGS, IMAGE_TYPES
from afformer_core.sim.datasets.rgbd_scene import RgbdScene, plan_rgbd_scene
from afformer_core.sim.families import FAMILIES
from afformer_core.sim.scene.scene import Scene

STORAGES = ('mcap', 'sqlite3')


@dataclass(frozen=True)
class RgbdBagPlan:
    """What an RGB-D bag holds.

    Attributes:
        seed: the same plan gives the same bytes.
        family: of the appliance.
        held_out: whether its textures are those that training never shows.
        size: (width, height) of all images, even.
        seconds, rate: how long the camera moves, and its images a second.
        demonstration_frames, demonstration_rate: of the demonstration.
        image_encoding: one of `IMAGE_TYPES`; `jpeg` is a CompressedImage.
        depth_encoding: one of `DEPTH_ENCODINGS`.
        storage: one of `STORAGES`.
        depth_camera: the defects of depth.
    """

    seed: int
    family: str = 'control_panel'
    held_out: bool = False
    size: tuple[int, int] = (640, 480)
    seconds: float = 4.0
    rate: float = 30.0
    demonstration_frames: int = 24
    demonstration_rate: float = 10.0
    image_encoding: str = 'rgb8'
    depth_encoding: str = '16UC1'
    storage: str = 'mcap'
    depth_camera: DepthCamera = field(default_factory=DepthCamera)

    def __post_init__(self) -> None:
        for name, choices in (
            ('image_encoding', tuple(IMAGE_TYPES)),
            ('depth_encoding', DEPTH_ENCODINGS),
            ('storage', STORAGES),
        ):
            if getattr(self, name) not in choices:
                wanted = ' or '.join(choices)
                raise ValueError(f'{name} must be {wanted}, not {getattr(self, name)!r}')
        if self.family not in FAMILIES:
            raise ValueError(f'family must be one of {FAMILIES}, not {self.family!r}')
        if min(self.size) < 32:
            raise ValueError(f'images must be at least 32 x 32 pixels, not {self.size}')
        if min(self.seconds, self.rate, self.demonstration_frames, self.demonstration_rate) <= 0:
            raise ValueError('seconds, frames and rates must be positive')
        if self.seed < 0:
            raise ValueError(f'seed must not be negative, but is {self.seed}')

    def scene(self) -> RgbdScene:
        """What the bag shows."""
        scene = Scene(scene_seed(self.seed, 0), self.family, self.held_out)
        return plan_rgbd_scene(scene, self.size, self.seconds, self.rate)
