# SPDX-License-Identifier: Apache-2.0
"""The matcher: descriptors of a contact, and their correlation with an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.configuration import CONTACT_CANDIDATES
from afformer_core.models.layers.numerics import widened

_LEAST_LENGTH = 1e-6


@dataclass(frozen=True)
class Descriptors:
    """Descriptors of B demonstrations at possible positions of their contact.

    Attributes:
        features: [B, 1, K + 1, C], the backbone's features at the K most probable positions of the
            contact, all stages joined along the channels; the last row is their mean over the
            first frame.
        weights: [B, 1, K + 1, 1], logarithm of each position's probability; 0 in the last
            row.
    """

    features: Tensor
    weights: Tensor


class Matcher(nn.Module):
    """The correlation of a contact's descriptors with an image.

    The cosine of a pretrained backbone's features identifies corresponding positions in real
    images, after the mean over both images, which all positions share, is subtracted.

    Args:
        channels: channels of the stages that are compared, coarse to fine.

    Attributes:
        contact_weight: factor of the contact's log-probability.
        similarity_weight: factor of the cosine, averaged over the stages.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self._channels = channels
        self.contact_weight = nn.Parameter(torch.tensor(2.0))
        self.similarity_weight = nn.Parameter(torch.tensor(20.0))

    def describe(self, stages: Sequence[Tensor], contact: Tensor) -> Descriptors:
        """Describe the most probable positions of a contact.

        Args:
            stages: stages of the first frame, coarse to fine, each [B, C, height, width].
            contact: logits of the contact [B, h, w] in the same frame.
        """
        size = contact.shape[-2:]
        chosen = contact.flatten(1).float().log_softmax(dim=1).topk(CONTACT_CANDIDATES, dim=1)
        joined = torch.cat([enlarged(stage, size) for stage in stages], dim=1).flatten(2)
        index = chosen.indices[:, None].expand(-1, joined.shape[1], -1)
        means = torch.cat([stage.mean(dim=(2, 3)) for stage in stages], dim=1)
        features = torch.cat((joined.gather(2, index), means[..., None]), dim=2)
        weights = functional.pad(chosen.values, (0, 1))
        return Descriptors(features.transpose(1, 2)[:, None], weights[:, None, :, None])

    def correlate(self, stages: Sequence[Tensor], descriptors: Descriptors) -> Tensor:
        """Compute logits of the positions in an image that correspond to the contact.

        Args:
            stages: stages of the images, coarse to fine, each [B * K, C, height, width]; the K
                images of a demonstration are consecutive.
            descriptors: descriptors of B demonstrations.

        Returns:
            logits [B * K, h, w] on a grid of twice the finest stage's size.
        """
        images = len(stages[0]) // len(descriptors.features)
        rows = widened(descriptors.features[:, 0]).repeat_interleave(images, dim=0)
        size = (2 * stages[-1].shape[-2], 2 * stages[-1].shape[-1])
        similarity: Tensor | float = 0.0
        for part, stage in zip(rows.split(self._channels, dim=2), stages, strict=True):
            mean = (part[:, -1] + stage.mean(dim=(2, 3))) / 2
            asked = _directions(part[:, :-1] - mean[:, None], dim=2)
            found = _directions(stage - mean[:, :, None, None], dim=1)
            cosines = (asked @ found.flatten(2)).unflatten(2, stage.shape[-2:])
            similarity = similarity + enlarged(cosines, size)
        assert isinstance(similarity, Tensor)
        weights = widened(descriptors.weights[:, 0, :-1]).repeat_interleave(images, dim=0)
        scores = (
            self.contact_weight * weights[..., None]
            + self.similarity_weight / len(stages) * similarity
        )
        return scores.logsumexp(dim=1)


def enlarged(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Resize maps [B, C, h, w] bilinearly to (height, width)."""
    return functional.interpolate(maps, size=list(size), mode='bilinear', align_corners=False)


def _directions(features: Tensor, dim: int) -> Tensor:
    lengths = features.square().sum(dim=dim, keepdim=True).clamp(min=_LEAST_LENGTH).rsqrt()
    return features * lengths
