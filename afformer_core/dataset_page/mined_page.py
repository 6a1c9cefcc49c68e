# SPDX-License-Identifier: Apache-2.0
"""The page of an index of mined clips, which has no annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.data.turns import in_turn
from afformer_core.dataset_page.annotated_page import PageSettings
from afformer_core.dataset_page.clip_cards import clip_cards
from afformer_core.dataset_page.counts import histogram, size_counts
from afformer_core.dataset_page.page import Bars, DatasetIssue, DatasetPage
from afformer_core.maskahand.mining.index import FORMAT, HandIndex, read_index
from afformer_core.maskahand.pretraining.interactions import InteractionClip, interaction_clips
from afformer_core.maskahand.sources.urls import url_of

_INDEX = 'index.json'
# Maximum number for a clip, as in pre-training.
_INTERACTIONS = 8
# Ends of bars: clips of a video, and scores of hands.
_CLIPS = (1, 2, 4, 8, 16, 32, 64, 128)
_SCORES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_HEAD_BYTES = 256


@dataclass(frozen=True)
class _Seen:
    """Counts over all videos: frames, those with a hand, those with a hand in contact."""

    frames: int
    with_hand: int
    with_contact: int
    seconds: float


def find_index(path: Path) -> Path | None:
    """Find the index at a path or in its folder; None if there is none.

    Args:
        path: path of a file or a folder, which may not exist.
    """
    file = path / _INDEX if path.is_dir() else path
    if not file.is_file():
        return None
    with file.open('rb') as opened:
        return file if FORMAT.encode() in opened.read(_HEAD_BYTES) else None


def mined_page(path: Path, settings: PageSettings) -> DatasetPage:
    """Build the page of an index.

    Args:
        path: path of the index.
        settings: settings of the page.

    Raises:
        DatasetError: the index cannot be read, or has no clip.
    """
    index = read_index(path)
    clips = interaction_clips(index, _INTERACTIONS)
    seen = _seen(index)
    videos = [str(clip.video.path) + clip.video.topic for clip in clips]
    shown = [clips[i] for i in in_turn(videos, settings.samples, settings.seed)]
    rate = index.settings.get('folder_rate')
    return DatasetPage(
        title=str(path),
        headline={
            'clips': len(clips),
            'videos': len(index.videos),
            'frames looked at': seen.frames,
            'frames with a hand': seen.with_hand,
            'frames with contact': seen.with_contact,
        },
        facts={
            'videos last': f'{seen.seconds / 3600:.2f} h',
            'an interaction has a score of at least': f'{index.interaction_score:g}',
            **{name: str(value) for name, value in index.settings.items() if value is not None},
        },
        issues=_issues(index),
        scope='Videos that mining could not read, and videos that are now missing.',
        distributions=_distributions(index, clips),
        cards=clip_cards(shown, rate, settings.seed, progress=settings.progress),
        how=f'{len(shown)} of {len(clips):,} clips, drawn with seed {settings.seed}, the videos '
        'in turn. Boxes are hands, in contact orange, others blue. The image is one that '
        'training creates from the clip with the default options; `afformer synthesize` draws '
        'those of a configuration.',
    )


def _seen(index: HandIndex) -> _Seen:
    frames = [hands for video in index.videos for hands in video.hands.values() if hands]
    return _Seen(
        frames=sum(len(video.times) for video in index.videos),
        with_hand=len(frames),
        with_contact=sum(any(hand.contact for hand in hands) for hands in frames),
        seconds=sum(video.times[-1] for video in index.videos if video.times),
    )


def _issues(index: HandIndex) -> list[DatasetIssue]:
    # The existence of a URL is not checked.
    gone = [
        str(video.path)
        for video in index.videos
        if not video.path.exists() and url_of(video.path) is None
    ]
    broken = [f'{path}: {reason}' for path, reason in index.broken]
    empty = [str(video.path) for video in index.videos if not video.clips]
    return [
        *DatasetIssue.of('videos that are missing', gone),
        *DatasetIssue.of('videos that could not be read completely', broken),
        *DatasetIssue.of('videos without a clip', empty),
    ]


def _distributions(index: HandIndex, clips: Sequence[InteractionClip]) -> list[Bars]:
    by_video = Counter(id(clip.video) for clip in clips)
    scores = [
        hand.score
        for clip in clips
        for interaction in clip.interactions
        for hand in interaction.interacting
    ]
    sizes = size_counts(video.size for video in index.videos)
    return [
        Bars(f'Clips of {len(by_video):,} videos', histogram(list(by_video.values()), _CLIPS, '')),
        Bars(f'Scores of {len(scores):,} hands in contact', histogram(scores, _SCORES, '')),
        Bars(f'Sizes of {len(index.videos):,} videos', sizes),
    ]
