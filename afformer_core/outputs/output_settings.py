# SPDX-License-Identifier: Apache-2.0
"""Settings of the published results."""

from __future__ import annotations

from dataclasses import dataclass, field

from afformer_core.geometry.surface import SurfaceSettings


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
