#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The moving images of README: real pairs with their results, and the film of an arm.

Run from the root of the project, the first lines after `afformer fetch-examples` and `make demo`::

    python -m tools.animation docs/images/real_pairs.webp --pairs ~/.cache/afformer/example_pairs
    python -m tools.animation docs/images/robot.webp --film demo_output/robot.mp4

The results in the first are those of `afformer ground` with the shipped model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from afformer_core.drawing.overlay import draw_mark, draw_numbered, draw_overlay
from afformer_core.example_pairs.pair_folder import ExamplePair, read_pairs
from afformer_core.grounder import Grounder
from afformer_core.media.images import read_image
from afformer_core.media.video import read_video
from afformer_core.runtime.grounding import Grounding
from afformer_core.runtime.peaks import Peak

RgbImage = NDArray[np.uint8]

# Height of both images, gap between them, and height of the sentence below, in pixels.
HEIGHT, GAP, BELOW = 300, 8, 44
FRAMES, MILLISECONDS, PAUSE = 18, 110, 2200
QUALITY = 60
# Of the film.
FILM_FRAMES, FILM_WIDTH, FILM_MILLISECONDS, FILM_QUALITY = 110, 760, 200, 45


@dataclass(frozen=True)
class Shown:
    """A pair to show.

    Attributes:
        name: stem of its video.
        mark: pixel (x, y) in the first frame of the video that a user clicks when the answer is
            not sure; None to end with the question.
    """

    name: str
    mark: tuple[float, float] | None = None


# One answer that is sure, and one that a click corrects.
SHOWN = (Shown('knob'), Shown('switch', (89, 172)))


@dataclass(frozen=True)
class AnimationFrame:
    """A frame of an animation, and the milliseconds for which it is shown."""

    image: Image.Image
    milliseconds: int


def show_pair(pair: ExamplePair, mark: tuple[float, float] | None) -> Iterator[AnimationFrame]:
    """Show a demonstration, its result, and the result after a click where one is needed."""
    grounder = Grounder.load()
    frames = list(read_video(pair.video, FRAMES))
    target = read_image(pair.image)
    grounder.set_demonstration(pair.video)
    grounding = grounder.ground(target)
    scaled, plain = (_scaled(image) for image in (target, frames[0]))
    for frame in frames:
        yield _joined(_scaled(frame), scaled, 'A demonstration, and the image of a camera')
    found = _overlaid(scaled, grounding)
    last = _scaled(frames[-1])
    if not grounding.unsure:
        sentence = f'Act here. Probability that this is the right part: {grounding.certainty:.2f}'
        yield _joined(last, found, sentence, PAUSE)
        return
    contacts = [_enlarged(contact, frames[0]) for contact in grounder.contacts()]
    asked = draw_numbered(plain, contacts)
    sentence = f'Not sure: {grounding.certainty:.2f}. Click the operated part.'
    yield _joined(asked, found, sentence, PAUSE)
    if mark is None:
        return
    grounder.set_demonstration(pair.video, contact=mark)
    at = _enlarged(Peak(*mark, 1.0), frames[0])
    marked = draw_mark(plain, (at.u, at.v))
    yield _joined(marked, scaled, 'A click on the operated part', PAUSE // 2)
    grounding = grounder.ground(target)
    sentence = f'Probability that this is the marked part: {grounding.certainty:.2f}'
    yield _joined(marked, _overlaid(scaled, grounding), sentence, PAUSE)


def _scaled(image: RgbImage) -> RgbImage:
    size = round(image.shape[1] * HEIGHT / image.shape[0]), HEIGHT
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(peak: Peak, image: RgbImage) -> Peak:
    """Move a pixel of an image to the scaled image."""
    scale = HEIGHT / image.shape[0]
    return Peak((peak.u + 0.5) * scale - 0.5, (peak.v + 0.5) * scale - 0.5, peak.score)


def _overlaid(scaled: RgbImage, grounding: Grounding) -> RgbImage:
    """Draw the best point, and the heatmap, over the scaled image."""
    assert grounding.image is not None
    heatmap = np.asarray(cv2.resize(grounding.heatmap, scaled.shape[1::-1]), np.float32)
    best = _enlarged(grounding.peaks[0], grounding.image)
    return draw_overlay(scaled, heatmap, [best], '', 0.6, unsure=grounding.unsure)


def _joined(
    left: RgbImage, right: RgbImage, sentence: str, milliseconds: int = MILLISECONDS
) -> AnimationFrame:
    """Join two images of one height, with a sentence below."""
    width = left.shape[1] + GAP + right.shape[1]
    canvas = Image.new('RGB', (width, HEIGHT + BELOW), 'white')
    canvas.paste(Image.fromarray(left), (0, 0))
    canvas.paste(Image.fromarray(right), (left.shape[1] + GAP, 0))
    font = ImageFont.load_default(22)
    ImageDraw.Draw(canvas).text((4, HEIGHT + 8), sentence, fill=(30, 30, 30), font=font)
    return AnimationFrame(canvas, milliseconds)


def show_pairs(folder: Path) -> list[AnimationFrame]:
    """Show pairs that `afformer fetch-examples` downloaded, all at one width.

    Raises:
        ValueError: the folder lacks a pair.
    """
    pairs = {pair.video.stem: pair for pair in read_pairs(folder)}
    missing = [shown.name for shown in SHOWN if shown.name not in pairs]
    if missing:
        raise ValueError(
            f'{folder} has no pair {", ".join(missing)}. Run `afformer fetch-examples` first'
        )
    frames = [frame for shown in SHOWN for frame in show_pair(pairs[shown.name], shown.mark)]
    width = max(frame.image.width for frame in frames)
    return [_widened(frame, width) for frame in frames]


def _widened(frame: AnimationFrame, width: int) -> AnimationFrame:
    canvas = Image.new('RGB', (width, frame.image.height), 'white')
    canvas.paste(frame.image, ((width - frame.image.width) // 2, 0))
    return AnimationFrame(canvas, frame.milliseconds)


def shrink_film(film: Path) -> list[AnimationFrame]:
    """Return frames of a film at the width of README."""
    frames = [Image.fromarray(frame) for frame in read_video(film, FILM_FRAMES)]
    size = FILM_WIDTH, round(frames[0].height * FILM_WIDTH / frames[0].width)
    return [AnimationFrame(frame.resize(size), FILM_MILLISECONDS) for frame in frames]


def main() -> int:
    """Read the arguments and write an animated WebP file that repeats forever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('output', type=Path)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--pairs', type=Path, help='folder of the downloaded example pairs')
    source.add_argument('--film', type=Path, help='the film of the arm that `make demo` writes')
    arguments = parser.parse_args()
    pairs = arguments.pairs is not None
    shown = show_pairs(arguments.pairs) if pairs else shrink_film(arguments.film)
    first, *others = (frame.image for frame in shown)
    first.save(
        arguments.output,
        save_all=True,
        append_images=others,
        duration=[frame.milliseconds for frame in shown],
        loop=0,
        quality=QUALITY if pairs else FILM_QUALITY,
        method=6,
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
