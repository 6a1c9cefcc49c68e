# SPDX-License-Identifier: Apache-2.0
"""Cards of some mined clips, each with a pre-training example."""

from __future__ import annotations

from collections.abc import Sequence

from tqdm import tqdm

from afformer_core.data.augmentation import ImageSettings
from afformer_core.dataset_page.drawn_hands import draw_hands
from afformer_core.dataset_page.page import Card, Figure, RgbImage
from afformer_core.drawing.overlay import draw_overlay
from afformer_core.errors import VideoError
from afformer_core.evaluation.report.tiles import TILE_SIDE, fit
from afformer_core.maskahand.pretraining.clip_images import ClipImages
from afformer_core.maskahand.pretraining.interactions import InteractionClip
from afformer_core.maskahand.pretraining.pretraining_dataset import PretrainingDataset, boxes_of
from afformer_core.maskahand.pretraining.synthesis import SynthesisSettings
from afformer_core.maskahand.sources import open_source
from afformer_core.training.datasets.collation import FailedExample
from afformer_core.training.datasets.samplers import Draw

_FRAMES = 8
_FRAME_SIDE = 200
_INPUT = (256, 256)
_IMAGE_SIDE = 512
_OPACITY = 0.6


def clip_cards(
    clips: Sequence[InteractionClip],
    folder_rate: float | None,
    seed: int,
    *,
    progress: bool = True,
) -> list[Card]:
    """Create cards of clips; a clip that cannot be read has the reason instead.

    Args:
        clips: clips to show.
        folder_rate: rate of videos that are folders of frames, see `open_source`.
        seed: seed of the examples.
        progress: show a progress bar on stderr.
    """
    images = ClipImages(_INPUT, _FRAMES, _IMAGE_SIDE, folder_rate=folder_rate)
    examples = PretrainingDataset(clips, images, SynthesisSettings(), 1, ImageSettings())
    cards = []
    for number, clip in enumerate(tqdm(clips, 'clips', unit='', disable=not progress)):
        times = clip.video.times
        title = f'{times[clip.first]:.1f} s to {times[clip.last]:.1f} s'
        video = (f'{clip.video.path.name}{clip.video.topic}',)
        facts = (f'{len(clip.interactions)} frames with contact for target images',)
        try:
            frames = _frames(clip, folder_rate)
            figures = _figures(examples, Draw((number,), (seed, number)))
            cards.append(Card(title, video, facts, frames, figures))
        except VideoError as error:
            cards.append(Card(title, video, facts, (), (), str(error)))
    return cards


def _frames(clip: InteractionClip, folder_rate: float | None) -> tuple[RgbImage, ...]:
    """Return evenly spaced frames with the hands that were detected in them."""
    video = clip.video
    numbers = clip.demonstration(_FRAMES)
    source = open_source(video.path, video.topic, folder_rate, video.lens)
    images = source.at([video.times[number] for number in numbers])
    scale = _FRAME_SIDE / max(video.size)
    return tuple(
        draw_hands(image, video.hands.get(number, ()), scale)
        for image, number in zip(images, numbers, strict=True)
    )


def _figures(examples: PretrainingDataset, draw: Draw) -> tuple[Figure, ...]:
    """Draw a target image with the boxes of hands that would interact in it."""
    example = examples[draw]
    if isinstance(example, FailedExample):
        raise VideoError(example.reason)
    target = boxes_of([example]).targets(_INPUT).heatmaps.numpy()[0]
    image = example.images[0]
    return (
        Figure('target image made of it', fit(image, TILE_SIDE)),
        Figure('its heatmap', fit(draw_overlay(image, target, (), '', _OPACITY), TILE_SIDE)),
    )
