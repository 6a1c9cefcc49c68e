# SPDX-License-Identifier: Apache-2.0
"""The text of an answer, and its files for download."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from afformer_core.drawing.overlay import draw_overlay
from afformer_core.media.images import encode_png
from afformer_core.offline.evaluation.report.tiles import fit
from afformer_core.runtime import Grounding
from afformer_core.runtime.grounding import UNKNOWN_ACTION
from afformer_core.studio.trying.workspace import ShownGrounding


def sentence(answer: ShownGrounding) -> str:
    """Tell where to act, or what to do for an answer, in one sentence."""
    grounding = answer.grounding
    if grounding.found is False:
        otherwise = f' If it does, {_choice(answer)}.' if grounding.unsure else ''
        return f'Not found: this image does not seem to show what was operated.{otherwise}'
    if grounding.unsure and grounding.certainty is not None:
        return (
            f'Not sure which part was operated: only {100 * grounding.certainty:.0f} % sure of '
            f'this point. {_choice(answer).capitalize()}.'
        )
    if grounding.unsure:
        return (
            f'Not sure: the certainty of this model is not known. {_choice(answer).capitalize()}.'
        )
    known = grounding.action not in ('', UNKNOWN_ACTION)
    here = f'{grounding.action.capitalize() if known else "Act"} here'
    if grounding.certainty is not None:
        return f'{here}: {100 * grounding.certainty:.0f} % sure that this is the right part.'
    if any(shown.contact is not None for shown in answer.demonstrations):
        return f'{here}, where the part that you marked is.'
    return f'{here}.'


def _choice(answer: ShownGrounding) -> str:
    if answer.asked is None:
        return 'give a closer image, or mark it again'
    numbered = 'tap one of the numbered parts below, or click elsewhere'
    return numbered if answer.asked.likeliest else 'click the operated part below'


def overlay(answer: ShownGrounding, opacity: float, side: int) -> NDArray[np.uint8]:
    """Draw the heatmap and the peaks over the image for a page, which tells the rest in words.

    Args:
        answer: the answer.
        opacity: opacity of the heatmap at its maximum, 0 to 1.
        side: longer side of the drawing, to which small images are enlarged: marks stay sharp.

    Returns:
        uint8 RGB [H, W, 3].
    """
    shown = fit(answer.image.image, side)
    grounding = _scaled(answer, shown)
    return draw_overlay(
        shown, grounding.heatmap, grounding.peaks, '', opacity, unsure=grounding.unsure
    )


def overlay_png(answer: ShownGrounding, opacity: float) -> bytes:
    """Draw the heatmap over the image with a caption, as a PNG file."""
    image = answer.image.image
    return encode_png(_scaled(answer, image).draw(image, opacity))


def _scaled(answer: ShownGrounding, image: NDArray[np.uint8]) -> Grounding:
    """Return the grounding in pixels of a resized image."""
    grounding, height = answer.grounding, image.shape[0]
    scale = height / grounding.source_size[0]
    # Pixel coordinates refer to centres.
    peaks = tuple(
        replace(peak, u=(peak.u + 0.5) * scale - 0.5, v=(peak.v + 0.5) * scale - 0.5)
        for peak in grounding.peaks
    )
    return replace(grounding, source_size=image.shape[:2], peaks=peaks)


def answer_json(answer: ShownGrounding) -> bytes:
    """Write the answer like `afformer ground --json`, with the names of its files."""
    content = {
        'demonstrations': [shown.name for shown in answer.demonstrations],
        'image': answer.image.name,
        **answer.grounding.to_dict(),
        'milliseconds': answer.milliseconds,
        'backend': answer.backend,
    }
    return (json.dumps(content, indent=2) + '\n').encode()


def file_name(answer: ShownGrounding, ending: str) -> str:
    """Return a name for a file of the answer, such as `kitchen_overlay.png`."""
    return f'{PurePath(answer.image.name).stem}_{ending}'
