# SPDX-License-Identifier: Apache-2.0
"""The first frame of a demonstration, in which a click marks the contact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nicegui import events, ui
from numpy.typing import NDArray

from afformer_core.demonstrations.media import tapped
from afformer_core.media.polygons import Point
from afformer_core.offline.evaluation.report.tiles import image_source
from afformer_core.studio.labelling.marks import circles, diamonds

# Size of the displayed marks, pixels of the frame.
_RADIUS = 5.0


def contact_image(
    frame: NDArray[np.uint8],
    marked: Point | None,
    likeliest: Sequence[Point],
    clicked: Callable[[Point], Any],
) -> ui.interactive_image:
    """Build the image; contacts are shares of its width and height, 0 to 1.

    Args:
        frame: first frame of the demonstration, uint8 RGB [H, W, 3].
        marked: currently marked contact.
        likeliest: the most probable contacts, best first, which are drawn.
        clicked: called with the contact that is clicked; may be a coroutine function.
    """
    height, width = frame.shape[:2]
    candidates = [(x * width, y * height) for x, y in likeliest]

    def click(event: events.MouseEventArguments) -> Any:
        x, y = tapped((event.image_x, event.image_y), candidates, frame)
        return clicked((min(max(x / width, 0.0), 1.0), min(max(y / height, 0.0), 1.0)))

    # The drawing contains only numbers.
    image = ui.interactive_image(image_source(frame), on_mouse=click, cross=True, sanitize=False)
    image.content = diamonds(candidates, _RADIUS)
    if marked is not None:
        image.content += circles([(marked[0] * width, marked[1] * height)], _RADIUS)
    return image
