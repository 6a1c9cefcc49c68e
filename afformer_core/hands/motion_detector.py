# SPDX-License-Identifier: Apache-2.0
"""A hand detector for stacks of frames: a Faster R-CNN, and a contact head on each of its hands.

Hands are detected by their colours in one frame. Contact is then classified in a square around
each hand, over several frames. That costs a tenth of the detection, so the contact head can train
on many more images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN

from afformer_core.hands.contact_head import HandContactHead
from afformer_core.hands.frame_stack import FRAMES, NOW
from afformer_core.hands.hand import CONTACT, NO_CONTACT, colours


class MotionHandDetector(nn.Module):
    """A network with the interface of torchvision's detectors, for stacks of frames.

    Args:
        hands: detector of hands, as one class.

    Attributes:
        hands: see the arguments.
        contact: classifier of contact and its location.
        searched_share: share of the images of a training batch, from the first, on which the
            detection of hands is trained, 0 to 1. The other images train only contact.
    """

    def __init__(self, hands: FasterRCNN) -> None:
        super().__init__()
        self.hands = hands
        self.contact = HandContactHead()
        self.searched_share = 1.0

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[dict[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """Compute losses by name in training, else the detections in each image.

        Args:
            images: stacks of frames, each RGB [3 FRAMES, H, W], uint8 or float in 0..1 (see
                `motion_windows`).
            targets: in training, for each image, `boxes` [N, 4], `labels` [N], indices of
                `CLASSES`, and `contact_points` [N, 2], (x, y) of points of contact in pixels, NaN
                if unknown.

        Returns:
            in training `loss_contact` and torchvision's losses; else for each image `boxes`,
            `labels`, `scores` and `contact_points`, best first, each hand with its more likely
            contact.

        Raises:
            ValueError: images have another number of channels, or there are no targets in
                training.
        """
        for image in images:
            if image.shape[0] != 3 * FRAMES:
                raise ValueError(
                    f'an image has {image.shape[0]} channels; expected {3 * FRAMES} of '
                    f'{FRAMES} frames'
                )
        if not self.training:
            return self._detect(images)
        if targets is None:
            raise ValueError('targets are None; expected targets in training')
        return self._losses(images, targets)

    def _losses(
        self, images: Sequence[Tensor], targets: Sequence[dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        losses = self._search_losses(images, targets) if self.searched_share else {}
        boxes = [target['boxes'] for target in targets]
        contacts = [target['labels'] == CONTACT for target in targets]
        contact_points = [target['contact_points'] for target in targets]
        return {
            **losses,
            'loss_contact': self.contact.loss(images, boxes, contacts, contact_points),
        }

    def _search_losses(
        self, images: Sequence[Tensor], targets: Sequence[dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        searched = math.ceil(len(images) * self.searched_share)
        hands = [
            {'boxes': target['boxes'], 'labels': torch.ones_like(target['labels'])}
            for target in targets[:searched]
        ]
        losses: dict[str, Tensor] = self.hands([_now(image) for image in images[:searched]], hands)
        return losses

    def _detect(self, images: Sequence[Tensor]) -> list[dict[str, Tensor]]:
        outputs: list[dict[str, Tensor]] = self.hands([_now(image) for image in images])
        boxes = [output['boxes'] for output in outputs]
        logits, points = self.contact(images, boxes)
        counts = [len(of_image) for of_image in boxes]
        contacts = zip(logits.sigmoid().split(counts), points.split(counts), strict=True)
        return [
            _in_states({**output, 'contact_points': contact_points}, contact)
            for output, (contact, contact_points) in zip(outputs, contacts, strict=True)
        ]


def _now(image: Tensor) -> Tensor:
    """Return the frame itself, float [3, H, W] in 0..1."""
    return colours(image.unflatten(0, (FRAMES, -1))[NOW])


def _in_states(output: dict[str, Tensor], contact: Tensor) -> dict[str, Tensor]:
    """Choose each hand's more likely contact, with the joint score, and sort by score."""
    likely = contact > 0.5
    scores = output['scores'] * torch.where(likely, contact, 1 - contact)
    order = scores.argsort(descending=True, stable=True)
    told = {**output, 'scores': scores, 'labels': torch.where(likely, CONTACT, NO_CONTACT)}
    return {name: values[order] for name, values in told.items()}
