# SPDX-License-Identifier: Apache-2.0
"""The architecture of a matching network to train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from afformer_core.models.backbone_levels import is_timm
from afformer_core.models.matching.configuration import MatchingConfiguration


@dataclass(frozen=True)
class MatchingArchitecture:
    """The fields of a `MatchingConfiguration` that do not follow from its backbone.

    See `MatchingConfiguration` for their meaning and range.

    Attributes:
        backbone: backbone, such as `efficientnet_lite0` or `timm:convnext_tiny`.
        input_size: (height, width) of images and frames, twice that of the decoder.
        maximum_frames: maximum number of frames of a demonstration, as the decoder has.
        contact_channels: width of the contact head.
    """

    backbone: str
    input_size: tuple[int, int]
    maximum_frames: int
    contact_channels: int

    def configuration(self) -> MatchingConfiguration:
        """Build the configuration.

        Raises:
            ValueError: a field is outside its range, or timm cannot build the backbone.
        """
        height, width = self.input_size
        size = int(height), int(width)
        fields: dict[str, Any] = {'backbone': self.backbone, 'input_size': size}
        if is_timm(self.backbone):
            # timm takes seconds to import, and other backbones do not need it.
            from afformer_core.models.backbones.timm_fields import timm_fields

            fields = timm_fields(self.backbone, size)
        return MatchingConfiguration(
            **fields,
            maximum_frames=self.maximum_frames,
            contact_channels=self.contact_channels,
        )
