# SPDX-License-Identifier: Apache-2.0
"""Mining of paths and URLs, and what it sees in a video."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from afformer_core.offline.maskahand.mining.index import HandIndex, MinedVideo, read_index
from afformer_core.offline.maskahand.mining.mining import Mining, MiningSettings
from afformer_core.offline.maskahand.sources import find_sources
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS

SETTINGS = MiningSettings(clip_frames=8, stride=4, part_frames=20)


def mine(
    red: ModuleType,
    output: Path,
    *paths: str,
    engine: ParallelEngine = ONE_PROCESS,
    settings: MiningSettings = SETTINGS,
    folder_rate: float | None = None,
) -> HandIndex:
    found = find_sources([Path(path) for path in paths], folder_rate)
    mining = Mining(found, red.RedHands, output, settings)
    list(mining.detect(engine))
    mining.write_index()
    return read_index(output / 'index.json')


def seen(video: MinedVideo) -> tuple[object, ...]:
    return video.times, video.hands, video.clips
