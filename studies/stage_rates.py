# SPDX-License-Identifier: Apache-2.0
"""Rates of one core in each stage of mining and of creating examples.

The seconds are CPU time, so other work on the machine has little effect on them::

    python -m studies.stage_rates
    python -m studies.stage_rates --videos kitchen.mp4 workshop.mov
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from afformer_core.errors import ModelFolderError
from afformer_core.hands.detector import HandDetector
from afformer_core.hands.hand import Hand
from afformer_core.hands.open_detector import MEDIAPIPE, SIMULATED, open_hand_detector
from afformer_core.maskahand.pretraining.interactions import Interaction
from afformer_core.maskahand.pretraining.synthesis import SynthesisSettings, synthesize
from afformer_core.maskahand.sources.video_file import VideoFile
from afformer_core.media.video import VideoFrame, VideoReader
from afformer_core.parallel.worker_process import let_waiting_threads_sleep
from afformer_core.reports.tables import Table
from studies.moving_scene import CODECS, write_moving_scene

_HEADINGS = {'rate': 'a second of a core', 'unit': ''}
_EXAMINED_RATE = 5.0
# Duration of a clip at a random position, seconds.
_CLIP_FRAMES = 8
_SIDE = 256


def stage_rates(
    videos: Sequence[Path],
    detectors: Mapping[str, HandDetector],
    frames: int = 100,
    clips: int = 10,
    images: int = 100,
) -> Table:
    """Measure each stage separately.

    Args:
        videos: video files of at least 4 s each; the detectors examine the first one.
        detectors: detectors of hands by their names.
        frames: number of frames that each detector examines.
        clips: number of clips read from each video.
        images: number of target images.
    """
    rows: dict[str, dict[str, Any]] = {}
    for video in videos:
        with VideoReader(video) as reader:
            rate, seconds = reader.rate, reader.duration
        assert seconds is not None
        name = video_name(video)
        times: list[float] = []
        _, used = _timed(partial(_examine, video, times))
        rows[f'decoding, {name}'] = {
            'rate': seconds * rate / used,
            'unit': f'frames, {_EXAMINED_RATE:g} of each {rate:.0f} examined',
        }
        read, used = _timed(partial(_read_clips, video, clips, times))
        rows[f'clips at random, {name}'] = {
            'rate': read / used,
            'unit': 'clips of 8 frames in 3 s',
        }
    examined_frames = list(islice(VideoFile(videos[0]).frames(_EXAMINED_RATE), frames))
    for name, detector in detectors.items():
        # The first frames include the time of one-time initialization.
        list(detector.detect(examined_frames[:2]))
        seen, used = _timed(partial(_detect, detector, examined_frames))
        rows[f'detection, {name}'] = {'rate': seen / used, 'unit': 'frames'}
    made, used = _timed(partial(_synthesize, examined_frames[0].image, images))
    rows['target images without hands'] = {
        'rate': made / used,
        'unit': f'images of {_SIDE} pixels',
    }
    return Table.of('Stages', _HEADINGS, rows)


def generated_videos(folder: Path) -> list[Path]:
    """Write a video in each encoding."""
    return [write_moving_scene(folder / f'{codec}.mp4', codec) for codec in CODECS]


def video_name(video: Path) -> str:
    """Return the encoding and the size of a video, such as `h264 1920x1080`."""
    import av

    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        return f'{stream.codec_context.name} {stream.width}x{stream.height}'


def installed_detectors() -> Mapping[str, HandDetector]:
    """Open the installed detectors: the light one, and MediaPipe's with its model."""
    found = {'light': open_hand_detector(SIMULATED)}
    try:
        found[MEDIAPIPE] = open_hand_detector(MEDIAPIPE)
    except ModelFolderError as error:
        print(f'without MediaPipe: {error}', file=sys.stderr)
    return found


def _timed(work: Callable[[], int]) -> tuple[int, float]:
    """Return the number that a function returns, and its CPU seconds."""
    begin = time.process_time()
    count = work()
    return count, time.process_time() - begin


def _examine(video: Path, times: list[float]) -> int:
    """Read the frames that mining examines, and record their times."""
    times += [frame.time for frame in VideoFile(video).frames(_EXAMINED_RATE)]
    return len(times)


def _read_clips(video: Path, clips: int, times: Sequence[float]) -> int:
    """Read every other frame of some clips at random positions."""
    rng = np.random.default_rng(0)
    for _ in range(clips):
        first = int(rng.integers(0, len(times) - 2 * _CLIP_FRAMES))
        VideoFile(video).at(times[first : first + 2 * _CLIP_FRAMES : 2])
    return clips


def _detect(detector: HandDetector, frames: Iterable[VideoFrame]) -> int:
    return sum(1 for _ in detector.detect(frames))


def _synthesize(image: np.ndarray, images: int) -> int:
    height, width = image.shape[:2]
    hand = Hand((width * 0.4, height * 0.4, width * 0.6, height * 0.7), True, 1.0)
    interaction = Interaction(0, (hand,), (hand,), ((0.0, -1.0),))
    scale = _SIDE / max(height, width)
    size = (round(width * scale), round(height * scale))
    small = np.asarray(cv2.resize(image, size), np.uint8)
    rng, settings = np.random.default_rng(0), SynthesisSettings()
    for _ in range(images):
        synthesize(small, (width, height), interaction, settings, rng)
    return images


def use_one_thread() -> None:
    """Limit this process to one thread."""
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def main(words: Iterable[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        '--videos', type=Path, nargs='+', metavar='FILE',
        help='your own videos (default: generated ones in H.264 and H.265)',
    )  # fmt: skip
    arguments = parser.parse_args(None if words is None else list(words))
    let_waiting_threads_sleep()
    use_one_thread()
    with tempfile.TemporaryDirectory() as name:
        videos = arguments.videos or generated_videos(Path(name))
        print(stage_rates(videos, installed_detectors()).to_markdown())
    return 0


if __name__ == '__main__':
    sys.exit(main())
