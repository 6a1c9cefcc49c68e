# SPDX-License-Identifier: Apache-2.0
"""Plan of a closed-loop benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field

from afformer_core.sim.bodies.seeds import scene_seed
from afformer_core.sim.cameras.depth_camera import DepthCamera
from afformer_core.sim.families import FAMILIES
from afformer_core.sim.scene.scene import Scene
from afformer_core.stream.settings import StreamSettings


@dataclass(frozen=True)
class ClosedLoopPlan:
    """What a closed-loop benchmark tries.

    Attributes:
        scenes: how many appliances, of the families in turn.
        families: of them.
        held_out: whether their textures are those that training never shows.
        seed: the same plan tries the same.
        demonstrations: of each appliance, each of another element while there are.
        performances: of each demonstration, of the same action by other people and from other
            sides; the model grounds them together.
        views: of the robot's camera for each demonstration.
        size: (width, height) of the robot's images.
        frames: of a demonstration.
        longest_side: of a demonstration's pictures, in pixels.
        noise: of depth, as a share of it, at which everything but the fall-off is told.
        noises: of depth, for the fall-off.
        holes: share of the pixels without depth; none where depth is exact, with a noise of 0.
        stream: how the node is set.
    """

    scenes: int = 100
    families: tuple[str, ...] = FAMILIES
    held_out: bool = True
    seed: int = 8
    demonstrations: int = 2
    performances: int = 1
    views: int = 2
    size: tuple[int, int] = (640, 480)
    frames: int = 8
    longest_side: int = 256
    noise: float = 0.005
    noises: tuple[float, ...] = (0.0, 0.005, 0.01, 0.02, 0.04)
    holes: float = 0.05
    stream: StreamSettings = field(default_factory=StreamSettings)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.families) - set(FAMILIES))
        if unknown or not self.families:
            raise ValueError(
                f'families are {", ".join(self.families) or "none"}; they must be some of '
                f'{", ".join(FAMILIES)}'
            )
        counts = (self.scenes, self.demonstrations, self.performances, self.views, self.frames)
        if min(counts) < 1:
            raise ValueError(
                'there must be at least one scene, demonstration, performance, view and frame, '
                f'not {", ".join(map(str, counts))}'
            )
        if min(*self.size, self.longest_side) < 32:
            raise ValueError(f'images must be at least 32 x 32 pixels, not {self.size}')
        if self.seed < 0:
            raise ValueError(f'seed must not be negative, but is {self.seed}')
        for noise in self.levels:
            self.depth_camera(noise)

    @property
    def trials(self) -> int:
        """How many there are; each is of one demonstration in one view."""
        return self.scenes * self.demonstrations * self.views

    @property
    def levels(self) -> tuple[float, ...]:
        """The different noises of depth, rising."""
        return tuple(sorted({self.noise, *self.noises}))

    def scene(self, index: int) -> Scene:
        """The scene `index`, from 0."""
        family = self.families[index % len(self.families)]
        return Scene(scene_seed(self.seed, index), family, self.held_out)

    def depth_camera(self, noise: float) -> DepthCamera:
        """The one that has this noise.

        Raises:
            ValueError: there can be no such camera.
        """
        return DepthCamera(noise, self.holes if noise else 0.0)
