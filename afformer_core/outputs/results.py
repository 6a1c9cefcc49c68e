# SPDX-License-Identifier: Apache-2.0
"""Inputs and results of a grounding stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.runtime import Grounding


@dataclass(frozen=True)
class CameraFrame:
    """One image of the camera.

    Attributes:
        image: uint8 RGB [H, W, 3].
        stamp: nanoseconds.
        frame_id: of the camera's optical frame.
    """

    image: NDArray[np.uint8]
    stamp: int
    frame_id: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the image."""
        return int(self.image.shape[0]), int(self.image.shape[1])


@dataclass(frozen=True)
class SpatialView:
    """Depth and calibration of the view that an image shows.

    Attributes:
        depth: at the time of the image, or None.
        calibration: calibration of the camera, or None.
        problem: why one of them is missing; empty if both are there.
    """

    depth: DepthImage | None
    calibration: Calibration | None
    problem: str

    def __post_init__(self) -> None:
        missing = self.depth is None or self.calibration is None
        if missing != bool(self.problem):
            raise ValueError(
                f'the problem is {self.problem!r}, with depth '
                f'{"missing" if self.depth is None else "given"} and calibration '
                f'{"missing" if self.calibration is None else "given"}; '
                'it must say why where one is missing, and be empty otherwise'
            )


@dataclass(frozen=True)
class StreamedGrounding:
    """Result of one image of a stream.

    Attributes:
        demonstration: demonstration that was grounded.
        grounding: smoothed over the images before; held from an earlier image where `age` is
            above 0, and of this image alone where `found` is false.
        found: whether the demonstrated object is in view, now or `age` ago.
        confidence, feature_similarity, continuity, presence: of this image, also where the
            grounding is held; the last is None if the model is not calibrated.
        presence_threshold: least presence of what counts as found; None if the model is not
            calibrated.
        age: seconds since it was seen in view; 0: in this image.
        surfaces: one for each peak of `grounding`; from the image that the grounding is of.
        view: view that the surfaces were measured in.
        restart: why nothing before this image was used; empty if it was.
        stamp: stamp of the image that grounding and surfaces are of, nanoseconds.
        agreeing_images: images in a row, this one included, in which the object is in view and
            whose best peaks agree; 0 where this image does not show it.
    """

    demonstration: str
    grounding: Grounding
    found: bool
    confidence: float
    feature_similarity: float
    continuity: float
    age: float
    surfaces: tuple[SurfacePoint, ...]
    view: SpatialView
    restart: str
    stamp: int
    presence: float | None = None
    presence_threshold: float | None = None
    agreeing_images: int = 0

    def __post_init__(self) -> None:
        if (self.presence is None) != (self.presence_threshold is None):
            raise ValueError(
                f'the presence is {self.presence} and its threshold {self.presence_threshold}; '
                'a calibrated model has both, another neither'
            )
        if len(self.surfaces) != len(self.grounding.peaks):
            raise ValueError(
                f'there are {len(self.surfaces)} surfaces for {len(self.grounding.peaks)} peaks; '
                'expected one for each'
            )
        if self.age < 0 or (self.age > 0 and not self.found):
            raise ValueError(
                f'age is {self.age} and found {self.found}; '
                'only what was found can be held, and for no negative time'
            )

    @property
    def held(self) -> bool:
        """Whether the grounding is of an earlier image."""
        return self.age > 0
