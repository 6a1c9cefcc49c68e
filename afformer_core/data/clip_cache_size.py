# SPDX-License-Identifier: Apache-2.0
"""Missing clips of a cache, and the bytes that they will add to it."""

from __future__ import annotations

from collections.abc import Sequence

from afformer_core.data.cache_room import CachePart
from afformer_core.data.clip_reader import ClipReader
from afformer_core.data.sample import Sample
from afformer_core.media.video_frames import uniform_indices

_PROBED = 32


def missing_clips(reader: ClipReader, samples: Sequence[Sample]) -> list[CachePart]:
    """Estimate the size of the clips that a reader's cache lacks.

    The number of frames of a clip is estimated from the headers of 32 files, evenly chosen.

    Args:
        reader: reader of the clips; without a cache, nothing is missing.
        samples: samples that will be read; their files exist.

    Returns: one part, or none if all clips are cached.

    Raises:
        VideoError: a file cannot be opened.
    """
    clips = {sample.demonstration: sample for sample in samples}
    missing = [sample for sample in clips.values() if not reader.is_kept(sample)]
    if reader.cache_folder is None or not missing:
        return []
    probed = [missing[i] for i in uniform_indices(len(missing), _PROBED)]
    frames = sum(map(reader.expected_frames, probed)) / len(probed)
    height, width = reader.size
    what = f'{len(missing):,} clips of {frames:.0f} frames at {width}x{height}'
    return [CachePart(what, round(len(missing) * frames * height * width * 3))]
