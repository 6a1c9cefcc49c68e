# SPDX-License-Identifier: Apache-2.0
"""A hand detector for stacks of frames: a Faster R-CNN, and a contact head on each of its hands.

Hands are found by their colours in one frame. Whether they touch something is then seen in a
square around each, over several frames: that costs a tenth of finding them, so that it can be
learned from many more pictures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN

from afformer_core.hands.contact_head import ContactHead
from afformer_core.hands.frame_stack import FRAMES, NOW
from afformer_core.hands.hand import CONTACT, NO_CONTACT, colours


class MotionHandDetector(nn.Module):
    """Takes and gives what torchvision's detectors do, but of motion pictures.

    Args:
        hands: finds hands, of which it knows one class.

    Attributes:
        hands: as above.
        contact: tells whether they touch something, and where.
        searched_share: of the pictures of a training step, from the first on, that hands are
            searched for in, 0 to 1. The others teach contact alone.
    """

    def __init__(self, hands: FasterRCNN) -> None:
        super().__init__()
        self.hands = hands
        self.contact = ContactHead()
        self.searched_share = 1.0

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[dict[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """Losses by name in training, else what is found in each picture.

        Args:
            images: each RGB [3 FRAMES, H, W], uint8 or float in 0..1, see `motion_picture`.
            targets: in training, of each, `boxes` [N, 4], `labels` [N], indices of `CLASSES`, and
                `touches` [N, 2], (x, y) of what they touch in pixels, NaN where it is not known.

        Returns:
            In training `loss_contact` and torchvision's losses; else of each picture `boxes`,
            `labels`, `scores` and `touches`, best first, each hand in its more likely state.

        Raises:
            ValueError: pictures have other channels, or there are no targets in training.
        """
        for image in images:
            if image.shape[0] != 3 * FRAMES:
                raise ValueError(
                    f'a picture has {image.shape[0]} channels; {3 * FRAMES} of '
                    f'{FRAMES} frames are wanted'
                )
        if not self.training:
            return self._detect(images)
        if targets is None:
            raise ValueError('training needs targets')
        return self._losses(images, targets)

    def _losses(
        self, images: Sequence[Tensor], targets: Sequence[dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        losses = self._search_losses(images, targets) if self.searched_share else {}
        boxes = [each['boxes'] for each in targets]
        contacts = [each['labels'] == CONTACT for each in targets]
        touches = [each['touches'] for each in targets]
        return {**losses, 'loss_contact': self.contact.loss(images, boxes, contacts, touches)}

    def _search_losses(
        self, images: Sequence[Tensor], targets: Sequence[dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        searched = math.ceil(len(images) * self.searched_share)
        hands = [
            {'boxes': each['boxes'], 'labels': torch.ones_like(each['labels'])}
            for each in targets[:searched]
        ]
        losses: dict[str, Tensor] = self.hands([_now(each) for each in images[:searched]], hands)
        return losses

    def _detect(self, images: Sequence[Tensor]) -> list[dict[str, Tensor]]:
        outputs: list[dict[str, Tensor]] = self.hands([_now(image) for image in images])
        boxes = [output['boxes'] for output in outputs]
        answer = self.contact(images, boxes)
        counts = [len(each) for each in boxes]
        contacts, touches = answer.logits.sigmoid().split(counts), answer.touches.split(counts)
        return [
            _in_states({**output, 'touches': touch}, contact)
            for output, contact, touch in zip(outputs, contacts, touches, strict=True)
        ]


def _now(picture: Tensor) -> Tensor:
    """The frame itself, float [3, H, W] in 0..1."""
    return colours(picture.unflatten(0, (FRAMES, -1))[NOW])


def _in_states(output: dict[str, Tensor], contact: Tensor) -> dict[str, Tensor]:
    """Hands, best first, in the more likely state, and as likely as both: hand and state."""
    likely = contact > 0.5
    scores = output['scores'] * torch.where(likely, contact, 1 - contact)
    order = scores.argsort(descending=True, stable=True)
    told = {**output, 'scores': scores, 'labels': torch.where(likely, CONTACT, NO_CONTACT)}
    return {name: values[order] for name, values in told.items()}
