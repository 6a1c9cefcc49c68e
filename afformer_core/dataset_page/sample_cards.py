# SPDX-License-Identifier: Apache-2.0
"""Cards of some samples of an annotated dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tqdm import tqdm

from afformer_core.data.clip_facts import read_clip_facts
from afformer_core.data.clip_reader import ClipReader
from afformer_core.data.frame_sampling import FrameSampling
from afformer_core.data.sample import Sample
from afformer_core.dataset_page.page import Card, Figure, RgbImage
from afformer_core.errors import AfformerError, ImageError
from afformer_core.evaluation.protocols.protocols import ProtocolRow, RowsProtocol
from afformer_core.evaluation.report.tiles import TILE_SIDE, draw_heatmap, fit, mark_annotation
from afformer_core.media.images import read_image
from afformer_core.media.video_frames import uniform_indices

_FRAMES = 8
_FRAME_SIDE = 160


def sample_cards(
    samples: Sequence[Sample],
    action_names: Sequence[str],
    sampling: FrameSampling,
    folder_rate: float | None = None,
    *,
    progress: bool = True,
) -> list[Card]:
    """Create cards of samples; unreadable media are left out, with the reason.

    Args:
        samples: samples to show.
        action_names: names of the actions by index.
        sampling: sampling of the frames for a model.
        folder_rate: see `ClipReader`.
        progress: show a progress bar on stderr.
    """
    return [
        _card(sample, action_names, sampling, folder_rate)
        for sample in tqdm(samples, 'samples', unit='', disable=not progress)
    ]


def _card(
    sample: Sample,
    action_names: Sequence[str],
    sampling: FrameSampling,
    folder_rate: float | None,
) -> Card:
    facts = [f'image {sample.image_size[0]}x{sample.image_size[1]}']
    frames: list[RgbImage] = []
    problems = []
    try:
        clip = read_clip_facts(sample)
        windows = ClipReader(sampling, _frame_size(clip.size), folder_rate=folder_rate).read(
            sample
        )
        shown = [windows[0][i] for i in uniform_indices(len(windows[0]), _FRAMES)]
        frames += shown
        facts.append(f'demonstration {clip}')
        facts.append(_shown(len(shown), [len(window) for window in windows]))
    except AfformerError as error:
        problems.append(str(error))
    try:
        image = read_image(sample.image_path)
    except ImageError as error:
        image = None
        problems.append(str(error))
    names = tuple(action_names[action] for action in dict.fromkeys(sample.actions))
    figures = _figures(sample, image, dict(enumerate(action_names)))
    return Card(
        sample.sample_id, names, tuple(facts), tuple(frames), tuple(figures), '; '.join(problems)
    )


def _frame_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of a small frame in the shape of the clip."""
    scale = _FRAME_SIDE / max(size)
    return max(1, round(size[1] * scale)), max(1, round(size[0] * scale))


def _shown(count: int, windows: Sequence[int]) -> str:
    frames = f'{count} of {windows[0]} frames' if count < windows[0] else f'{count} frames'
    return frames if len(windows) == 1 else f'{frames} of the first of {len(windows)} windows'


def _figures(
    sample: Sample, image: RgbImage | None, action_names: Mapping[int, str]
) -> list[Figure]:
    """Draw the image alone, then the heatmap of each action with its annotation."""
    protocol = RowsProtocol()
    rows = protocol.rows([sample])
    figures = [] if image is None else [Figure('image', fit(image, TILE_SIDE))]
    for row, target in zip(rows, protocol.targets(rows), strict=True):
        tile = draw_heatmap(image, target, row)
        mark_annotation(tile, row)
        figures.append(Figure(_caption(row, action_names), tile))
    return figures


def _caption(row: ProtocolRow, action_names: Mapping[int, str]) -> str:
    count = len(row.points)
    return f'{action_names[row.action]}, {count} {"point" if count == 1 else "points"}'
