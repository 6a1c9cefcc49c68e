# SPDX-License-Identifier: Apache-2.0
"""Writer of simulated videos in the format of AssistQ.

- `SPLIT.json`: questions of each video, with answers to choose from
- `SPLIT/VIDEO/video.mp4`: demonstrations of elements of one fixture, one after another
- `SPLIT/VIDEO/script.txt`: narration of the video
- `SPLIT/VIDEO/images/0.jpg`: a user's image of the same fixture, from another viewpoint
- `SPLIT/VIDEO/buttons.csv`: boxes of all elements in the users' images
- `simulation.json`, `scenes/SPLIT/00000.json`: see `production`; the latter has the questions of
  the first video, and `steps`: element, action and seconds of contact of each demonstration
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.media.images import write_jpeg
from afformer_core.media.video_encoding import encode_video
from afformer_core.parallel.engine import ParallelEngine
from afformer_core.parallel.local_engine import ONE_PROCESS
from afformer_core.parallel.resumable_dataset import Production, write_json
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.datasets.assistq_text import (
    PURPOSES,
    button_name,
    describe,
    questions,
    script,
)
from afformer_sim.scene.demonstration import plan_demonstrations
from afformer_sim.scene.footage import Shot, film, in_one_room
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene_settings import SceneSettings
from afformer_sim.scene.view import SceneView, image_size, plan_target, render_views

_KEY = 4
_PANELS = ('keypad', 'control_panel', 'dense_keypad')


@dataclass(frozen=True, kw_only=True)
class AssistqSettings(SceneSettings):
    """Contents of a dataset in the format of AssistQ.

    Attributes:
        seed, families, held_out: see `SceneSettings`.
        scenes: number of fixtures, each in one video.
        demonstrations: number of demonstrations in each video.
        images: number of users' images of each fixture.
        seconds, rate: length and frame rate of a demonstration, both whole numbers, as scripts are
            timed in seconds. One idle second comes before and after each.
        longest_side: longest side of every image, in pixels.

    Raises:
        ValueError: a number is out of range, or a family unknown.
    """

    demonstrations: int = 4
    images: int = 1
    seconds: float = 3
    rate: float = 4
    longest_side: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_at_least(1, 'demonstrations', 'images', 'seconds', 'rate')
        self._require_side(self.longest_side)
        if self.seconds % 1 or self.rate % 1:
            raise ValueError(
                f'seconds is {self.seconds} and rate {self.rate}; expected whole numbers, as '
                'scripts are timed in whole seconds'
            )
        if self.demonstrations > len(PURPOSES):
            raise ValueError(
                f'demonstrations is {self.demonstrations}; expected at most {len(PURPOSES)}, as '
                'each is described in words of its own'
            )


def panel_families(families: tuple[str, ...]) -> tuple[str, ...]:
    """Return the families with buttons, as AssistQ has them; all families if none has buttons."""
    return tuple(family for family in families if family in _PANELS) or families


def write_assistq(
    folder: Path, split: str, settings: AssistqSettings, engine: ParallelEngine = ONE_PROCESS
) -> Iterator[int]:
    """Render the missing videos of a dataset; yield the number of finished videos.

    Args:
        folder: folder of the dataset, created if missing.
        split: name of the questions' file without its ending, and of the videos' folder.
        settings: contents of the dataset.
        engine: engine that renders the samples.

    Raises:
        DatasetError: see `Production.run`.
        ValueError: the split's name has an underscore, which AssistQ's readers would cut off.
    """
    if '_' in split:
        raise ValueError(
            f'split is {split!r}; AssistQ looks for the videos in the folder before the first '
            '"_". Choose a name without one'
        )
    description = {'layout': 'assistq', **asdict(settings)}
    del description['scenes']
    return Production(
        folder,
        split,
        description,
        settings.scenes,
        partial(_make, split, settings),
        partial(_merge, split),
    ).run(engine)


def _merge(split: str, folder: Path, entries: list[Any]) -> None:
    write_json(
        folder / f'{split}.json',
        {entry['video']: entry['questions'] for entry in entries},
    )


def _make(split: str, settings: AssistqSettings, index: int, folder: Path) -> dict[str, Any]:
    """Write the folder of a video; return its questions and steps."""
    scene = settings.scene(index)
    fixture = scene.fixture
    rng = make_rng(scene.seed, Stream.ANNOTATION, _KEY)
    size = image_size(rng, settings.longest_side, None)
    second, action = round(settings.rate), round(settings.seconds * settings.rate)
    shots = [
        Shot(scene, one, second, action, second, settings.rate)
        for one in in_one_room(
            plan_demonstrations(scene, settings.demonstrations, settings.longest_side, size)
        )
    ]
    views = [
        plan_target(scene, number, settings.longest_side) for number in range(settings.images)
    ]
    video = f'{scene.family}_{index:05d}'
    video_folder = folder / split / video
    (video_folder / 'images').mkdir(parents=True)
    with Renderer(scene, (settings.longest_side, settings.longest_side)) as renderer:
        frames = (image for shot in shots for image in film(renderer, shot, rng))
        encode_video(video_folder / 'video.mp4', frames, settings.rate, 23)
        for number, image in enumerate(render_views(scene, views, renderer)):
            write_jpeg(video_folder / 'images' / f'{number}.jpg', image, int(rng.integers(75, 97)))
    steps = describe([shot.demonstration for shot in shots], fixture, rng)
    (video_folder / 'script.txt').write_text(script(fixture, steps, round(settings.seconds), rng))
    (video_folder / 'buttons.csv').write_text(_boxes(fixture, views))
    return {
        'video': video,
        'questions': questions(fixture, steps, settings.images, rng),
        'steps': [_step(shot, number) for number, shot in enumerate(shots)],
    }


def _boxes(fixture: Fixture, views: list[SceneView]) -> str:
    lines = []
    for number, view in enumerate(views):
        for index in range(len(fixture.elements)):
            outline = view.outline(fixture, index)
            # pixel p reaches from p - 0.5 to p + 0.5
            low = np.floor(outline.min(axis=0) + 0.5).astype(int)
            extent = np.ceil(outline.max(axis=0) + 0.5).astype(int) - low
            fields = (button_name(index), *low, *extent, f'{number}.jpg', *view.size)
            lines.append(','.join(map(str, fields)) + '\n')
    return ''.join(lines)


def _step(shot: Shot, number: int) -> dict[str, Any]:
    contact = shot.contact
    begin = number * shot.frames
    return {
        'element': shot.demonstration.element,
        'action': shot.demonstration.action,
        'contact': contact and [(begin + frame) / shot.rate for frame in contact],
    }
