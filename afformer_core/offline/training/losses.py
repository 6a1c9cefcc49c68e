# SPDX-License-Identifier: Apache-2.0
"""Losses of heatmaps and actions, from the paper and the released code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from afformer_core.offline.data.heatmaps import downsampled, downsampled_logits

ACTION_LOSSES = ('cross_entropy', 'multi_label', 'none')
# Halves the width of a target of a single point.
_PRECISION_POWER = 4
# Share of a target's maximum that counts as near its peak: three standard deviations.
_NEAR = math.exp(-4.5)
# Finite, because zero probability times an infinite logarithm is NaN.
_ELSEWHERE = -1e4


@dataclass(frozen=True)
class Targets:
    """The targets of a batch's heatmaps and actions, with a row for each image and action.

    Attributes:
        heatmaps: [R, H, W] probabilities, each of sum 1.
        actions: [R] indices.
        images: [R] index of the image in the batch; every image has at least one row.
        shown: [R] whether the image is not a negative; the same in all rows of an image.
        negative: whether there is a negative; known without asking the device.
    """

    heatmaps: Tensor
    actions: Tensor
    images: Tensor
    shown: Tensor
    negative: bool

    def weights(self, images: int, *, negative: bool = False) -> Tensor:
        """Compute weights [R] by which every image counts equally, for any number of actions.

        Args:
            images: number of images.
            negative: whether to weigh negatives instead of the other images.

        Returns:
            weights of sum 1, or 0 if there is no such image.
        """
        # Unlike bincount, this does not wait for a GPU.
        counts = self.images.new_zeros(images)
        counts = counts.scatter_add(0, self.images, torch.ones_like(self.images))
        weights = (self.shown != negative) / counts[self.images]
        return weights / weights.sum().clamp(min=1)


@dataclass(frozen=True)
class GroundingLoss:
    """The loss of heatmaps plus the weighted loss of actions.

    For negatives, the heatmap should be uniform, and the action has no loss.

    Attributes:
        actions: 'cross_entropy' (paper, section 3.2), 'multi_label' (binary cross-entropy with all
            of an image's actions, as in the released code) or 'none'.
        action_weight: weight of the loss of actions; at least 0.
        negative_weight: weight of the loss of heatmaps in negatives; at least 0.
        sharpening: factor of heatmap logits in the loss; above 0. Above 1, the heatmaps of the
            model are softer than those in the loss, which is useful if the training images are
            easier than those in use, as in pretraining.
        precision_weight: weight of `local_divergence`, which improves the position of peaks; at
            least 0.
        action_frequencies: frequency of each of the model's actions in training, all above 0, of
            any sum; scores are then those of equally frequent actions, so that rare ones are not
            at a disadvantage (Menon et al., Long-tail learning via logit adjustment, ICLR 2021,
            equation 10). Only for 'cross_entropy'; empty: the scores of training.
        heatmap_size: (height, width) to which heatmaps and targets are resized bilinearly before
            the comparison: [28, 28] for coarse-grained grounding (section 5.2, Table 2). At most
            the model's own size; None: that size.

    Raises:
        ValueError: a value is out of its range.
    """

    actions: str = 'cross_entropy'
    action_weight: float = 1.0
    negative_weight: float = 1.0
    sharpening: float = 1.0
    precision_weight: float = 0.0
    action_frequencies: tuple[float, ...] = ()
    heatmap_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.actions not in ACTION_LOSSES:
            raise ValueError(f'actions is {self.actions!r}; expected one of {ACTION_LOSSES}')
        for name in ('action_weight', 'negative_weight', 'precision_weight'):
            if not getattr(self, name) >= 0:
                raise ValueError(f'{name} is {getattr(self, name)}; expected at least 0')
        if not self.sharpening > 0:
            raise ValueError(f'sharpening is {self.sharpening}; expected above 0')
        if self.action_frequencies and self.actions != 'cross_entropy':
            raise ValueError(
                f'actions is {self.actions!r}; expected cross_entropy with action_frequencies. '
                'Leave them out'
            )
        if not all(0 < frequency < math.inf for frequency in self.action_frequencies):
            raise ValueError(
                f'action_frequencies are {self.action_frequencies}; expected numbers above 0'
            )
        if self.heatmap_size is not None and min(self.heatmap_size) < 1:
            raise ValueError(f'heatmap_size is {self.heatmap_size}; expected sides of at least 1')

    def __call__(
        self, heatmaps: Tensor, actions: Tensor, targets: Targets
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss of a batch.

        Args:
            heatmaps: logits [B, heatmaps, H, W]; if there is one heatmap for each action, that of
                the row's action is used.
            actions: logits [B, A].
            targets: targets of the batch.

        Returns:
            the loss, and its parts by name, without gradients.

        Raises:
            ValueError: `heatmap_size` is larger than the heatmaps.
        """
        channels = targets.actions if heatmaps.shape[1] > 1 else torch.zeros_like(targets.actions)
        logits = self.sharpening * heatmaps[targets.images, channels]
        expected = targets.heatmaps
        if self.heatmap_size is not None:
            logits = downsampled_logits(logits, self.heatmap_size)
            expected = downsampled(expected, self.heatmap_size)
        divergences = heatmap_divergence(logits, expected)
        loss = targets.weights(len(heatmaps)) @ divergences
        parts = {'kld': loss.detach()}
        if targets.negative:
            negative = targets.weights(len(heatmaps), negative=True) @ divergences
            parts['negative_kld'] = negative.detach()
            loss = loss + self.negative_weight * negative
        if self.precision_weight:
            local = local_divergence(logits, expected)
            imprecision = targets.weights(len(heatmaps)) @ local
            parts['local_kld'] = imprecision.detach()
            loss = loss + self.precision_weight * imprecision
        if self.actions == 'none':
            return loss, parts
        losses: dict[str, Callable[[Tensor, Targets], Tensor]] = {
            'cross_entropy': action_cross_entropy,
            'multi_label': multi_label_entropy,
        }
        action_loss = losses[self.actions](self._as_frequent(actions.float()), targets)
        parts['action_loss'] = action_loss.detach()
        return loss + self.action_weight * action_loss, parts

    def _as_frequent(self, logits: Tensor) -> Tensor:
        """Shift the logits [B, A] of equally frequent actions to the frequencies in training."""
        if not self.action_frequencies:
            return logits
        if len(self.action_frequencies) != logits.shape[1]:
            raise ValueError(
                f'the number of action_frequencies is {len(self.action_frequencies)}; expected '
                f'{logits.shape[1]}, one for each action in their order'
            )
        frequencies = logits.new_tensor(self.action_frequencies)
        return logits + (frequencies / frequencies.sum()).log()


def heatmap_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Compute the Kullback-Leibler divergence of heatmaps from their targets (paper, equation 11).

    Args:
        logits: [R, H, W] before the softmax over the pixels.
        targets: [R, H, W] probabilities, each of sum 1.

    Returns:
        [R], in nats.
    """
    predicted = logits.flatten(1).float().log_softmax(dim=1)
    return functional.kl_div(predicted, targets.flatten(1), reduction='none').sum(dim=1)


def local_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Compute the divergence of a heatmap's peak from its target, near the target.

    Targets are so wide that a peak beside a thin handle has almost no loss. Here, both maps are
    raised to the fourth power, which halves the width of a Gaussian, and are normalised and
    compared only near the target, so that a second peak elsewhere has no effect.

    Args:
        logits: [R, H, W] before the softmax over the pixels.
        targets: [R, H, W] probabilities, each of sum 1.

    Returns:
        [R], Kullback-Leibler divergence in nats.
    """
    true = targets.flatten(1)
    far = true < _NEAR * true.amax(dim=1, keepdim=True)
    expected = (_PRECISION_POWER * true.log()).masked_fill(far, _ELSEWHERE)
    found = (_PRECISION_POWER * logits.flatten(1).float()).masked_fill(far, _ELSEWHERE)
    return functional.kl_div(
        found.log_softmax(dim=1), expected.log_softmax(dim=1), reduction='none', log_target=True
    ).sum(dim=1)


def action_cross_entropy(logits: Tensor, targets: Targets) -> Tensor:
    """Average the cross-entropy of logits [B, A] with the action of each row but negatives."""
    entropies = functional.cross_entropy(logits[targets.images], targets.actions, reduction='none')
    return targets.weights(len(logits)) @ entropies


def multi_label_entropy(logits: Tensor, targets: Targets) -> Tensor:
    """Average the binary cross-entropy of logits [B, A] with all actions of each image."""
    expected = torch.zeros_like(logits)
    expected[targets.images, targets.actions] = 1
    entropies = functional.binary_cross_entropy_with_logits(logits, expected, reduction='none')
    return targets.weights(len(logits)) @ entropies.mean(dim=1)[targets.images]
