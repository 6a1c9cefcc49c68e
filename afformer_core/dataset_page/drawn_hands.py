# SPDX-License-Identifier: Apache-2.0
"""Detected hands, drawn into a frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from afformer_core.dataset_page.page import RgbImage
from afformer_core.drawing.overlay import draw_text
from afformer_core.hands.hand import Hand

_TEXT_SIZE = 0.45
_CONTACT, _NO_CONTACT = (255, 150, 0), (0, 200, 255)


def draw_hands(image: RgbImage, hands: Sequence[Hand], scale: float) -> RgbImage:
    """Resize an image and draw the boxes of hands with their scores.

    Hands in contact are orange, others blue; a dot marks the point of contact, if known.

    Args:
        image: uint8 [H, W, 3] RGB.
        hands: hands, best first, in pixels of the image.
        scale: pixels of the result for a pixel of the image.
    """
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    drawn = np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)
    for hand in reversed(hands):
        left, top, right, bottom = (round(coordinate * scale) for coordinate in hand.box)
        colour = _CONTACT if hand.contact else _NO_CONTACT
        cv2.rectangle(drawn, (left, top), (right - 1, bottom - 1), colour, 2)
        if hand.contact_point is not None:
            x, y = (round(coordinate * scale) for coordinate in hand.contact_point)
            cv2.circle(drawn, (x, y), 3, colour, -1, cv2.LINE_AA)
        label = f'{"contact" if hand.contact else "no contact"} {hand.score:.2f}'
        # At the upper edge of the image the label goes inside the box.
        line = top - 4 if top >= 16 else top + 14
        draw_text(drawn, label, (max(0, left), line), _TEXT_SIZE)
    return drawn
