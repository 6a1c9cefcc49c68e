# SPDX-License-Identifier: Apache-2.0
"""Writer of simulated long videos without annotations, in which hands act occasionally.

- `videos/SPLIT/00000.mp4`: the first video
- `simulation.json`, `scenes/SPLIT/00000.json`: see `production`; the latter has the annotations of
  the first video, for tests only: `rate`, `frames`, `interactions` with first and last frames of
  the shot and of the contact, and `hands`: the frames that show a hand, with its box and that of
  the element it touches (left, top, right, bottom; the first pixel is 0, right and bottom belong
  to the box)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.media.video_encoding import encode_video
from afformer_core.parallel.engine import ParallelEngine
from afformer_core.parallel.local_engine import ONE_PROCESS
from afformer_core.parallel.resumable_dataset import Production
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.scene.demonstration import plan_demonstrations
from afformer_sim.scene.footage import Shot, film, in_one_room
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene_settings import SceneSettings
from afformer_sim.scene.view import image_size
from afformer_sim.scene.visibility import element_box, hand_box

_KEY = 3
# (shortest, longest) in seconds: idle before the action, the action, idle after it.
_BEFORE, _ACTION, _AFTER = (0.5, 4.0), (2.0, 4.0), (0.5, 2.5)
_LONGEST_SHOT = _BEFORE[1] + _ACTION[1] + _AFTER[1]


@dataclass(frozen=True, kw_only=True)
class LongVideoSettings(SceneSettings):
    """Contents of a set of long videos.

    Attributes:
        seed, families, held_out: see `SceneSettings`.
        scenes: largest number of fixtures in one video, one after another.
        videos: number of videos; each depends only on the seed and its number.
        seconds, rate: length of each video, and its frames per second.
        longest_side: longest side of every frame, in pixels.

    Raises:
        ValueError: a number is out of range, or a family unknown.
    """

    videos: int = 10
    seconds: float = 60.0
    rate: float = 8.0
    longest_side: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_at_least(1, 'videos', 'rate')
        self._require_at_least(_LONGEST_SHOT, 'seconds')
        self._require_side(self.longest_side)


def write_long_videos(
    folder: Path, split: str, settings: LongVideoSettings, engine: ParallelEngine = ONE_PROCESS
) -> Iterator[int]:
    """Render the missing long videos; yield the number of finished videos.

    Args:
        folder: folder of the set, created if missing.
        split: name of the videos' folder.
        settings: contents of the set.
        engine: engine that renders the samples.

    Raises:
        DatasetError: see `Production.run`.
    """
    description = {'layout': 'long-videos', **asdict(settings)}
    del description['videos']
    return Production(
        folder, split, description, settings.videos, partial(_make, split, settings), _merge
    ).run(engine)


def plan_shots(settings: LongVideoSettings, index: int) -> list[Shot]:
    """Plan the shots of the video `index`, from 0, one after another."""
    first = index * settings.scenes
    rng = make_rng(settings.scene(first).seed, Stream.ANNOTATION, _KEY)
    size = image_size(rng, settings.longest_side, None)
    lengths = _lengths(settings, rng)
    scenes = min(int(rng.integers(1, settings.scenes + 1)), len(lengths))
    shots: list[Shot] = []
    for k, shown in enumerate(np.array_split(np.array(lengths), scenes)):
        scene = settings.scene(first + k)
        demonstrations = in_one_room(
            plan_demonstrations(scene, len(shown), settings.longest_side, size)
        )
        shots += [
            Shot(scene, demonstration, before, action, after, settings.rate)
            for demonstration, (before, action, after) in zip(
                demonstrations, shown.tolist(), strict=True
            )
        ]
    return shots


def _lengths(settings: LongVideoSettings, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Draw the frames before, of and after the action of each shot; they fill the video."""
    left = round(settings.seconds * settings.rate)
    lengths: list[tuple[int, ...]] = []
    while True:
        shot = [
            max(1, round(settings.rate * rng.uniform(*limits)))
            for limits in (_BEFORE, _ACTION, _AFTER)
        ]
        left -= sum(shot)
        if left < _LONGEST_SHOT * settings.rate:
            # this shot includes remaining frames that are too few for another shot
            return [*lengths, (shot[0], shot[1], shot[2] + left)]
        lengths.append(tuple(shot))


def _merge(folder: Path, entries: list[Any]) -> None:
    """Do nothing: no file describes all videos together."""


def _make(split: str, settings: LongVideoSettings, index: int, folder: Path) -> dict[str, Any]:
    """Write a video; return its annotations."""
    shots = plan_shots(settings, index)
    path = folder / 'videos' / split / f'{index:05d}.mp4'
    path.parent.mkdir(parents=True)
    hands: list[dict[str, Any]] = []
    rng = make_rng(shots[0].scene.seed, Stream.ANNOTATION, _KEY, 1)
    quality = int(rng.integers(18, 30))
    encode_video(path, _frames(shots, rng, hands), settings.rate, quality)
    interactions, first = [], 0
    for shot in shots:
        interactions.append(_interaction(shot, first))
        first += shot.frames
    return {'rate': settings.rate, 'frames': first, 'interactions': interactions, 'hands': hands}


def _frames(
    shots: list[Shot], rng: np.random.Generator, hands: list[dict[str, Any]]
) -> Iterator[np.ndarray]:
    """Render the frames of all shots, and add the visible hands to `hands`."""
    first = 0
    for _, group in groupby(shots, key=lambda shot: shot.scene.seed):
        taken = list(group)
        with Renderer(taken[0].scene, taken[0].demonstration.view.size) as renderer:
            for shot in taken:
                for frame, image in enumerate(film(renderer, shot, rng)):
                    yield image
                    hands += _seen(renderer, shot, frame, first)
                first += shot.frames


def _seen(renderer: Renderer, shot: Shot, frame: int, first: int) -> list[dict[str, Any]]:
    hand = shot.hand(frame)
    time = shot.time(frame)
    box = hand_box(renderer, shot.demonstration, time, hand) if hand else None
    if box is None:
        return []
    contact_box = (
        element_box(renderer, shot.demonstration, time) if shot.in_contact(frame) else None
    )
    return [
        {
            'frame': first + frame,
            'box': astuple(box),
            'left': shot.demonstration.hand.left,
            'contact': shot.in_contact(frame),
            'contact_box': None if contact_box is None else astuple(contact_box),
        }
    ]


def _interaction(shot: Shot, first: int) -> dict[str, Any]:
    contact = shot.contact
    return {
        'family': shot.scene.family,
        'scene_seed': shot.scene.seed,
        'element': shot.demonstration.element,
        'kind': shot.scene.fixture.elements[shot.demonstration.element].kind,
        'action': shot.demonstration.action,
        'shot': (first, first + shot.frames - 1),
        'contact': contact and (first + contact[0], first + contact[1]),
    }
