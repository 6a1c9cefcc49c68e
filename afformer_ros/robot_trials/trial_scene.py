# SPDX-License-Identifier: Apache-2.0
"""Demonstration and elements of a trial, rendered beside the graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.manipulation.contact import ArmContact
from afformer_core.media.images import write_image
from afformer_core.stream.settings import StreamSettings
from afformer_sim.arm.workplace import plan_workplace
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.closed_loop.robot_observation import publish_pixel, see
from afformer_sim.closed_loop.trial import ClosedLoopSettings, PlannedTrial
from afformer_sim.scene.demonstration import render_clip
from afformer_sim.scene.renderer import Renderer

# Key of the scene's random stream for the choice of a random element.
_CHANCE = 20
# Frames of a demonstration: about as many as a video of two seconds has.
_FRAMES = 32


class TrialScene:
    """Scene of one trial; close it at the end.

    Args:
        trial: the trial.
        settings: settings of the benchmark.
    """

    def __init__(self, trial: PlannedTrial, settings: ClosedLoopSettings) -> None:
        self._trial = trial
        self._settings = settings
        width, height = trial.view.size
        side = settings.longest_side
        self._renderer = Renderer(trial.scene, (max(width, side), max(height, side)))
        base = plan_workplace(trial.scene.fixture, trial.view.camera).base
        self._to_base = base.inverse()

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()

    def clip(self) -> NDArray[np.uint8]:
        """Render the demonstration: uint8 [frames, H, W, 3] RGB."""
        return render_clip(self._renderer, self._trial.scene, self._trial.demonstration, _FRAMES)

    def write_demonstration(self, folder: Path) -> None:
        """Write the frames of the demonstration into a new folder, as PNG."""
        folder.mkdir()
        for number, frame in enumerate(self.clip()):
            write_image(folder / f'{number:02}.png', frame)

    def demonstrated_pixel(self) -> tuple[float, float] | None:
        """Return the pixel (x, y) of the contact in the first frame; None outside of it."""
        demonstration = self._trial.demonstration
        fixture = self._trial.scene.fixture
        pixel = demonstration.contact_pixel(fixture, -demonstration.lead)
        return None if pixel is None else (float(pixel[0]), float(pixel[1]))

    def right_contact(self) -> ArmContact | None:
        """Return the true action at the pixel of a perfect peak; None if it is hidden."""
        return self._contact(self._trial.task.element)

    def random_contact(self) -> ArmContact | None:
        """Return the true action at the middle of a random element; None if it is hidden."""
        rng = make_rng(self._trial.scene.seed, Stream.RGBD, _CHANCE, self._trial.number)
        return self._contact(int(rng.integers(len(self._trial.scene.fixture.elements))))

    def _contact(self, element: int) -> ArmContact | None:
        rng = make_rng(self._trial.scene.seed, Stream.RGBD, _CHANCE, self._trial.number)
        observation = see(self._renderer, self._trial.view, self._trial.states, rng)
        pixel = observation.right_pixel(self._trial.scene.fixture, element)
        rng = make_rng(self._trial.scene.seed, Stream.RGBD, _CHANCE)
        sensed = self._settings.depth_camera(0.0).measure(observation.depth, rng)
        seen = publish_pixel(pixel, observation, sensed, StreamSettings())
        if seen.position is None or seen.normal is None:
            return None
        return ArmContact(
            self._trial.task.action,
            self._to_base.apply(seen.position),
            self._to_base.direct(seen.normal),
        )
