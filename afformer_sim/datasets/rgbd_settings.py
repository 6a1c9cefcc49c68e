# SPDX-License-Identifier: Apache-2.0
"""Settings of an RGB-D rosbag."""

from __future__ import annotations

from dataclasses import dataclass, field

from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.datasets.rgbd_messages import DEPTH_ENCODINGS, IMAGE_TYPES
from afformer_sim.datasets.rgbd_scene import RgbdScene, plan_rgbd_scene
from afformer_sim.families import FAMILIES
from afformer_sim.scene.scene import Scene

STORAGES = ('mcap', 'sqlite3')


@dataclass(frozen=True, kw_only=True)
class RgbdBagSettings:
    """Contents of an RGB-D bag.

    Attributes:
        seed: seed of everything random; equal settings give the same bytes.
        family: family of the fixture.
        held_out: True for textures that are kept out of training.
        size: (width, height) of all images, even.
        seconds, rate: duration of the camera's motion, and its images per second.
        demonstration_frames, demonstration_rate: length and frame rate of the demonstration.
        image_encoding: one of `IMAGE_TYPES`; `jpeg` is a CompressedImage.
        depth_encoding: one of `DEPTH_ENCODINGS`.
        storage: one of `STORAGES`.
        depth_camera: defects of the depth camera.

    Raises:
        ValueError: a value is out of range or unknown.
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
                expected = ' or '.join(choices)
                raise ValueError(f'{name} is {getattr(self, name)!r}; expected {expected}')
        if self.family not in FAMILIES:
            raise ValueError(f'family is {self.family!r}; expected one of {", ".join(FAMILIES)}')
        if min(self.size) < 32:
            raise ValueError(f'size is {self.size}; expected images of at least 32 x 32 pixels')
        if min(self.seconds, self.rate, self.demonstration_frames, self.demonstration_rate) <= 0:
            raise ValueError(
                f'seconds, rate, demonstration_frames and demonstration_rate are {self.seconds}, '
                f'{self.rate}, {self.demonstration_frames} and {self.demonstration_rate}; '
                'expected values above 0'
            )
        if self.seed < 0:
            raise ValueError(f'seed is {self.seed}; expected at least 0')

    def scene(self) -> RgbdScene:
        """Plan the content of the bag."""
        scene = Scene(scene_seed(self.seed, 0), self.family, self.held_out)
        return plan_rgbd_scene(scene, self.size, self.seconds, self.rate)
