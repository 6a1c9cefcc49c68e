# SPDX-License-Identifier: Apache-2.0
"""Losses of heatmaps and actions, those of the paper and those of the released code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from afformer_core.data.downsampling import downsampled, downsampled_logits

ACTION_LOSSES = ('cross_entropy', 'multi_label', 'none')
# Half as wide as the target, where that is one point.
_PRECISION_POWER = 4
# Of the highest value of a target, what still counts as near it: three standard deviations.
_NEAR = math.exp(-4.5)
# Finite, since a probability of nothing times an infinite logarithm is not a number.
_ELSEWHERE = -1e4


@dataclass(frozen=True)
class Targets:
    """What a batch's heatmaps and actions should be: a row for each image and action.

    Attributes:
        heatmaps: [R, H, W] probabilities, each of sum 1.
        actions: [R] indices.
        images: [R] index of the image in the batch; every image has at least one row.
        shown: [R] whether the image shows what was demonstrated; alike in all rows of an image.
        negative: whether there is an image that does not; known without asking the device.
    """

    heatmaps: Tensor
    actions: Tensor
    images: Tensor
    shown: Tensor
    negative: bool

    def weights(self, images: int, negative: bool = False) -> Tensor:
        """[R]: every image counts alike, whatever the number of its actions.

        Args:
            images: how many there are.
            negative: weigh those that do not show what was demonstrated, and not those that do.

        Returns:
            of sum 1, or 0 where there is no such image.
        """
        # Without asking a GPU how many there are, as bincount does.
        counts = self.images.new_zeros(images)
        counts = counts.scatter_add(0, self.images, torch.ones_like(self.images))
        weights = (self.shown != negative) / counts[self.images]
        return weights / weights.sum().clamp(min=1)


@dataclass(frozen=True)
class GroundingLoss:
    """The loss of heatmaps plus the weighted loss of actions.

    Where an image does not show what was demonstrated, the heatmap should be uniform, and the
    action costs nothing.

    Attributes:
        actions: 'cross_entropy' (paper, section 3.2), 'multi_label' (binary cross-entropy with
            all of an image's actions, as the released code has it) or 'none'.
        action_weight: of the loss of actions; at least 0.
        negative_weight: of the loss of heatmaps in images without what was demonstrated; at
            least 0.
        sharpening: what heatmap logits are multiplied by before they are measured; above 0. Above
            1, the model draws softer heatmaps than those it was measured with: of use where its
            training images are easier than those it will be shown, as in pre-training.
        precision_weight: of `local_divergence`, which asks for peaks at the right pixel; at least
            0.
        action_frequencies: how frequent each of the model's actions is in training, all above 0,
            of any sum; scores are then those of actions that are equally frequent (Menon et al.,
            Long-tail learning via logit adjustment, ICLR 2021, equation 10), and the rare ones no
            longer lose. Of 'cross_entropy' alone; empty: the scores are those of training.
        heatmap_size: (height, width) that heatmaps and targets are brought to bilinearly before
            they are compared: [28, 28] for coarse-grained grounding (section 5.2, Table 2). At
            most the model's own; None: that.
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
            raise ValueError(f'actions is {self.actions!r}; it must be one of {ACTION_LOSSES}')
        for name in ('action_weight', 'negative_weight', 'precision_weight'):
            if not getattr(self, name) >= 0:
                raise ValueError(f'{name} is {getattr(self, name)}; it must be at least 0')
        if not self.sharpening > 0:
            raise ValueError(f'sharpening is {self.sharpening}; it must be above 0')
        if self.action_frequencies and self.actions != 'cross_entropy':
            raise ValueError(
                f'action_frequencies are of the loss cross_entropy, not of {self.actions}; leave '
                'them out'
            )
        if not all(0 < each < math.inf for each in self.action_frequencies):
            raise ValueError(
                f'action_frequencies are {self.action_frequencies}; each must be above 0'
            )
        if self.heatmap_size is not None and min(self.heatmap_size) < 1:
            raise ValueError(f'heatmap_size is {self.heatmap_size}; both sides must be at least 1')

    def __call__(
        self, heatmaps: Tensor, actions: Tensor, targets: Targets
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Measure a batch.

        Args:
            heatmaps: logits [B, heatmaps, H, W]; where there is one for each action, that of the
                row's action is measured.
            actions: logits [B, A].
            targets: of the batch.

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
        """Logits [B, A] of equally frequent actions as those of the frequencies in training."""
        if not self.action_frequencies:
            return logits
        if len(self.action_frequencies) != logits.shape[1]:
            raise ValueError(
                f'got {len(self.action_frequencies)} action_frequencies for {logits.shape[1]} '
                'actions; give one for each, in the order of the actions'
            )
        frequencies = logits.new_tensor(self.action_frequencies)
        return logits + (frequencies / frequencies.sum()).log()


def heatmap_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Kullback-Leibler divergence of predicted heatmaps from true ones (paper, equation 11).

    Args:
        logits: [R, H, W] before the softmax over the pixels.
        targets: [R, H, W] probabilities, each of sum 1.

    Returns:
        [R], in nats.
    """
    predicted = logits.flatten(1).float().log_softmax(dim=1)
    return functional.kl_div(predicted, targets.flatten(1), reduction='none').sum(dim=1)


def local_divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """How far a heatmap's peak is from the true one, if it is near that at all.

    True maps are so wide that a peak beside a thin handle costs hardly anything. Here both maps
    are raised to the fourth power, which makes a Gaussian half as wide, and are compared where the
    true one is, as if there were nothing else: so that it costs nothing to be in doubt between
    two elements.

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
    """Mean cross-entropy of logits [B, A] with each shown row's action."""
    entropies = functional.cross_entropy(logits[targets.images], targets.actions, reduction='none')
    return targets.weights(len(logits)) @ entropies


def multi_label_entropy(logits: Tensor, targets: Targets) -> Tensor:
    """Mean binary cross-entropy of logits [B, A] with all actions of each shown image."""
    expected = torch.zeros_like(logits)
    expected[targets.images, targets.actions] = 1
    entropies = functional.binary_cross_entropy_with_logits(logits, expected, reduction='none')
    return targets.weights(len(logits)) @ entropies.mean(dim=1)[targets.images]
