# SPDX-License-Identifier: Apache-2.0
"""The network that classifies contact of hands in a stack of frames, and locates it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import roi_align

from afformer_core.hands.frame_stack import FRAMES
from afformer_core.hands.hand import colours

# Side of the square around a hand: multiple of the hand's longer side, minimum in pixels, and
# pixels of the network's input.
_ENLARGED, _SMALLEST, _SIDE = 1.6, 38.0, 80
_STAGES, _STRIDE = 5, 16
_FEATURES, _CHANNELS, _POSITION_FEATURES = 112, 64, 128
# Stochastic depth: residual layers are skipped in training with up to this probability, later ones
# more often.
_SKIPPED = 0.15
# Errors of boxes in training, like those of detections: factors, and shares of a side.
_RESIZED, _MOVED = (0.75, 1.3), 0.1
# Luminance of red, green and blue.
_LUMINANCE = (0.299, 0.587, 0.114)
# Weight of a location error of one square relative to contact; a larger weight would harm contact.
_CONTACT_POINT_WEIGHT = 1.0


class HandContactHead(nn.Module):
    """An EfficientNet-Lite0 to stride 16 over a grey square around each hand.

    The frames of the stack are its input channels, which are equal where nothing moves. In
    evaluation, the outputs for each square and its mirror image are averaged, because their errors
    differ.

    Attributes:
        body: the network over a square.
    """

    def __init__(self) -> None:
        import timm

        super().__init__()
        body: Any = timm.create_model(
            'tf_efficientnet_lite0',
            pretrained=False,
            features_only=True,
            out_indices=(3,),
            in_chans=FRAMES,
            drop_path_rate=_SKIPPED,
        )
        # The later blocks are unused.
        body.blocks = body.blocks[:_STAGES]
        self.body: nn.Module = body
        self.describe = nn.Sequential(
            nn.Conv2d(_FEATURES, _CHANNELS, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
        )
        features = _CHANNELS * (_SIDE // _STRIDE) ** 2
        self.logit = nn.Linear(features, 1)
        # A location computed directly from so many features would fluctuate from step to step.
        self.place = nn.Sequential(
            nn.Linear(features, _POSITION_FEATURES),
            nn.LayerNorm(_POSITION_FEATURES),
            nn.ReLU(),
            nn.Linear(_POSITION_FEATURES, 2),
        )

    def forward(self, images: Sequence[Tensor], boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Classify and locate the contact of each hand, over all images in order.

        Args:
            images: stacks of frames, each RGB [3 FRAMES, H, W], uint8 or float in 0..1 (see
                `motion_windows`).
            boxes: boxes of each image, [n, 4] (left, top, right, bottom) in pixels.

        Returns:
            logits of contact, [N], and points of contact, if any, [N, 2], (x, y) in pixels.
        """
        middles, sides = _around(torch.cat(list(boxes)))
        if not len(middles):
            return middles[:, 0], middles
        squares = torch.cat(
            [_squares(image, box) for image, box in zip(images, boxes, strict=True)]
        )
        logits, positions = self._predict(squares)
        if not self.training:
            mirrored_logits, mirrored_positions = self._predict(squares.flip(3))
            logits = (logits + mirrored_logits) / 2
            positions = (positions + mirrored_positions * positions.new_tensor((-1, 1))) / 2
        return logits, middles + sides * positions

    def _predict(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        """Compute logits of contact, [n], and points from the middle, in square sides, [n, 2]."""
        squares = squares.contiguous(memory_format=torch.channels_last)
        features = self.describe(self.body(squares)[0])
        return self.logit(features)[:, 0], self.place(features)

    def loss(
        self,
        images: Sequence[Tensor],
        boxes: Sequence[Tensor],
        contacts: Sequence[Tensor],
        contact_points: Sequence[Tensor],
    ) -> Tensor:
        """Compute the loss of contact, and of its location where known, with randomly moved boxes.

        Args:
            images, boxes: see `forward`.
            contacts: for each image, bool [n].
            contact_points: for each image, (x, y) in pixels, [n, 2]; NaN where unknown.

        Returns:
            binary cross-entropy plus the smooth distance in sides of the squares; 0 without hands.
        """
        moved = [_moved(of_image) for of_image in boxes]
        logits, points = self(images, moved)
        if not len(logits):
            # All processes must have gradients of all parameters, even without hands in their
            # images.
            return torch.stack([0 * parameter.sum() for parameter in self.parameters()]).sum()
        contact = functional.binary_cross_entropy_with_logits(
            logits, torch.cat(list(contacts)).float()
        )
        expected = torch.cat(list(contact_points))
        known = ~expected.isnan().any(dim=1, keepdim=True)
        _, sides = _around(torch.cat(moved))
        away = (points - torch.where(known, expected, points)) / sides
        distance = functional.smooth_l1_loss(
            away, torch.zeros_like(away), reduction='sum', beta=0.1
        )
        return contact + _CONTACT_POINT_WEIGHT * distance / known.sum().clamp(min=1)


def _around(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Compute middles, [n, 2], and sides, [n, 1], of the squares around boxes, in pixels."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    sides = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) * _ENLARGED
    return middles, sides.clamp(min=_SMALLEST)


def _squares(image: Tensor, boxes: Tensor) -> Tensor:
    """Crop the square around each box, [n, FRAMES, S, S] in -1..1; 0 outside of the image."""
    shown = colours(image).unflatten(0, (FRAMES, -1))
    grey = torch.einsum('tchw,c->thw', shown, shown.new_tensor(_LUMINANCE))
    middles, sides = _around(boxes)
    around = torch.cat((middles - sides / 2, middles + sides / 2), dim=1)
    # Ratio 0 samples each pixel of a large hand.
    squares: Tensor = roi_align(
        2 * grey[None] - 1, [around], _SIDE, sampling_ratio=0, aligned=True
    )
    return squares


def _moved(boxes: Tensor) -> Tensor:
    """Move and resize boxes a little, at random."""
    low, high = _RESIZED
    sizes = boxes[:, 2:] - boxes[:, :2]
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    middles = middles + sizes * _MOVED * (2 * torch.rand_like(middles) - 1)
    half = sizes / 2 * (low + (high - low) * torch.rand_like(sizes))
    return torch.cat((middles - half, middles + half), dim=1)
