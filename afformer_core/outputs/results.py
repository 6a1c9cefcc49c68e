# SPDX-License-Identifier: Apache-2.0
"""The inputs, results and output settings of a grounding stream."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings
from afformer_core.runtime import Grounding


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Settings of the published results.

    Attributes:
        minimum_candidate_score: minimum score of a grasp candidate, 0 to 1.
        overlay_opacity: opacity of the heatmap at its maximum, 0 to 1.
        cloud_minimum_weight: minimum probability of a pixel of the cloud, as a share of the
            largest probability, 0 to 1.
        cloud_maximum_points: maximum number of points of the cloud, at least 1.
        surface: noise and range of depth.
        mask_share: minimum probability of a pixel of the region, as a share of the largest
            probability, above 0 to 1.
        pre_grasp_distance: distance in metres from a grasp candidate back along its approach, 0 to
            1.
    """

    minimum_candidate_score: float = 0.1
    overlay_opacity: float = 0.6
    cloud_minimum_weight: float = 0.05
    cloud_maximum_points: int = 5000
    surface: SurfaceSettings = field(default_factory=SurfaceSettings)
    mask_share: float = 0.5
    pre_grasp_distance: float = 0.1

    def __post_init__(self) -> None:
        for name in ('minimum_candidate_score', 'overlay_opacity', 'cloud_minimum_weight'):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f'{name} is {value}; expected from 0 to 1')
        if not 0 < self.mask_share <= 1:
            raise ValueError(f'mask_share is {self.mask_share}; expected above 0 to 1')
        if not 0 <= self.pre_grasp_distance <= 1:
            raise ValueError(
                f'pre_grasp_distance is {self.pre_grasp_distance} m; expected from 0 to 1'
            )


@dataclass(frozen=True)
class CameraFrame:
    """An image of the camera.

    Attributes:
        image: uint8 RGB [H, W, 3].
        stamp: stamp in nanoseconds.
        frame_id: name of the camera's optical frame.
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
    """Depth and calibration that belong to an image.

    Attributes:
        depth: depth at the time of the image, or None.
        calibration: calibration of the camera, or None.
        problem: reason why one of them is missing; empty if both are available.
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


@dataclass(frozen=True, kw_only=True)
class StreamedGrounding:
    """The result of one image of a stream.

    Attributes:
        demonstration: name of the grounded demonstration.
        grounding: grounding, smoothed over the previous images; if `age` is above 0, held from an
            earlier image; if `found` is false, of this image alone.
        found: whether the demonstrated object is in view, now or `age` ago.
        confidence, feature_similarity, continuity, presence: measures of this image, even if the
            grounding is held; presence is None if the model is not calibrated.
        presence_threshold: presence below which nothing is found; None if the model is not
            calibrated.
        age: seconds since the object was last in view; 0: in view in this image.
        surfaces: surface at each peak of `grounding`, from the same image as the grounding.
        view: view in which the surfaces were measured.
        restart: reason why earlier images were not used; empty if they were.
        stamp: stamp of the image of grounding and surfaces, in nanoseconds.
        agreeing_images: number of images in a row, including this one, in which the object is in
            view and whose best peaks agree; 0 if this image does not show it.
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
        """Whether the grounding comes from an earlier image."""
        return self.age > 0
