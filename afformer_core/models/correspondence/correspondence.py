# SPDX-License-Identifier: Apache-2.0
"""Correspondence: contact and matcher together, and how the decoder uses what they find."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.correspondence.contact import Contact, ContactHead
from afformer_core.models.correspondence.matching import Descriptors, Matcher, enlarged
from afformer_core.models.correspondence.refinement import Refinement
from afformer_core.models.layers.numerics import widened

# Range of the correlation that the decoder is shown, in nats from that of a uniform heatmap.
_RANGE = 8.0
# Drawn images, which training may show alone, are harder to match than real ones.
_LEAST_PRIOR_WEIGHT = 2.5


class Correspondence(nn.Module):
    """Where a demonstration touches, what that looks like, and where an image looks like it.

    It computes in fp32 also where encoder and decoder do not, since small differences of
    features do not bear rounding.

    Args:
        configuration: the architecture.

    Attributes:
        prior_excess: softplus of it is by how much the factor of the correlation in the heatmap's
            logits exceeds 2.5.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        coarse, middle, fine = configuration.stage_channels
        self.contact = ContactHead((fine, middle, coarse))
        self.matcher = Matcher(configuration.compared_channels)
        self.guides = nn.ModuleList(
            nn.Conv2d(1, configuration.channels, 1) for _ in configuration.image_levels
        )
        self.refinement = Refinement(configuration.channels, fine)
        self.prior_excess = nn.Parameter(torch.tensor(0.0))
        for guide in self.guides:
            assert isinstance(guide, nn.Conv2d)
            nn.init.zeros_(guide.weight)

    def memorize(
        self, stages: Sequence[Tensor], missing: Tensor | None
    ) -> tuple[Contact, Descriptors]:
        """Find and describe the contact of demonstrations.

        Args:
            stages: of the frames, coarse to fine, each [B, T, C, height, width].
            missing: [B, T], true at frames that do not exist, or None.
        """
        stages = [widened(stage) for stage in stages]
        contact = self.contact(tuple(reversed(stages)), missing)
        compared = [stage[:, 0] for stage in stages[:2]]
        return contact, self.matcher.describe(compared, contact.first)

    def correlate(self, stages: Sequence[Tensor], descriptors: Descriptors) -> Tensor:
        """Compute the correlation [B * K, 1, h, w] of contacts with images, as log-probabilities.

        Args:
            stages: of the images, coarse to fine, each [B * K, C, height, width].
            descriptors: of B demonstrations.
        """
        scores = self.matcher.correlate([widened(stage) for stage in stages[:2]], descriptors)
        return scores.flatten(1).log_softmax(dim=1).view_as(scores)[:, None]

    def guide(self, levels: Sequence[Tensor], correlation: Tensor) -> tuple[Tensor, ...]:
        """Add the correlation to image levels, coarse to fine, each [B * K, C, height, width]."""
        shown = _limited(correlation)
        return tuple(
            level
            + guide(functional.max_pool2d(shown, shown.shape[-1] // level.shape[-1])).to(
                level.dtype
            )
            for level, guide in zip(levels, self.guides, strict=True)
        )

    def prior(self, correlation: Tensor, decoded: Tensor, fine: Tensor) -> Tensor:
        """Compute logits [B * K, 1, 2 * h, 2 * w] that are added to those of heatmaps.

        Args:
            correlation: from `correlate`, [B * K, 1, h, w].
            decoded: the decoder's features [B * K, C, h / 2, w / 2].
            fine: the finest stage of the images, [B * K, C, h, w].
        """
        shown = _limited(correlation)
        refined: Tensor = self.refinement(widened(decoded), widened(fine), shown)
        weight = _LEAST_PRIOR_WEIGHT + functional.softplus(self.prior_excess)
        return refined + weight * enlarged(correlation, refined.shape[-2:])


def _limited(correlation: Tensor) -> Tensor:
    """Limit a correlation to what a network reads well; 0 is a uniform one."""
    uniform = correlation[0, 0].numel()
    return (correlation + math.log(uniform)).clamp(-_RANGE, _RANGE)
