# SPDX-License-Identifier: Apache-2.0
"""Settings of how results are published."""

from __future__ import annotations

from dataclasses import dataclass, field

from afformer_core.geometry.surface import SurfaceSettings


@dataclass(frozen=True)
class OutputSettings:
    """Settings of how results are published.

    Attributes:
        minimum_candidate_score: below this score a peak is no grasp candidate, 0 to 1.
        overlay_opacity: of the heatmap where it is highest, 0 to 1.
        cloud_minimum_weight: share of the largest probability below which a pixel is left out of
            the cloud, 0 to 1.
        cloud_maximum_points: of the cloud, at least 1.
        surface: what counts as depth.
        mask_share: share of the largest probability from which on a pixel belongs to the region,
            above 0 to 1.
        pre_grasp_distance: metres from a grasp candidate back along its approach, 0 to 1.
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
