# SPDX-License-Identifier: Apache-2.0
"""The inputs, results and output settings of a grounding stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings
from afformer_core.runtime import Grounding
from afformer_core.settings import check_settings, parameter


@dataclass(frozen=True, kw_only=True)
class DepthSettings:
    """Noise and range of depth.

    Raises:
        ValueError: a value is out of its limits, also those of derived classes, or the range is
            empty.
    """

    depth_noise: float = parameter(
        0.005, 'Standard deviation of depth, as a share of the depth', limits=(0.0001, 0.2)
    )
    nearest_depth: float = parameter(
        0.1, 'Depth in metres below which depth is unknown', limits=(0.001, 1000.0)
    )
    farthest_depth: float = parameter(
        10.0, 'Depth in metres above which depth is unknown', limits=(0.001, 1000.0)
    )

    def __post_init__(self) -> None:
        check_settings(self)
        # Values that are valid individually may contradict each other.
        _ = self.surface

    @property
    def surface(self) -> SurfaceSettings:
        """Settings of the measurement of points in depth."""
        return SurfaceSettings(
            noise=self.depth_noise, nearest=self.nearest_depth, farthest=self.farthest_depth
        )


@dataclass(frozen=True, kw_only=True)
class OutputSettings(DepthSettings):
    """Settings of the published results."""

    minimum_candidate_score: float = parameter(
        0.1,
        'Minimum score of a grasp candidate, which is the share of the heatmap around its peak',
        limits=(0.0, 1.0),
    )
    pre_grasp_distance: float = parameter(
        0.1,
        'Distance in metres from a grasp candidate back along its approach to its pre-grasp',
        limits=(0.0, 1.0),
    )
    mask_share: float = parameter(
        0.5,
        'Minimum probability of a pixel of mask, as a share of the largest probability, and '
        'of a pixel that counts for grasp_width, as a share of the probability at its point',
        limits=(0.001, 1.0),
    )
    overlay_opacity: float = parameter(
        0.6,
        'Opacity of the heatmap in the overlay where the heatmap is highest',
        limits=(0.0, 1.0),
    )
    cloud_minimum_weight: float = parameter(
        0.05,
        'Minimum probability of a pixel of affordance_cloud, as a share of the largest '
        'probability',
        limits=(0.0, 1.0),
    )
    cloud_maximum_points: int = parameter(
        5000, 'Maximum number of points of affordance_cloud', limits=(1, 1000000)
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

    @property
    def held(self) -> bool:
        """Whether the grounding comes from an earlier image."""
        return self.age > 0
