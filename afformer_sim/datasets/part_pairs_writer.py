# SPDX-License-Identifier: Apache-2.0
"""Writer of pairs with outlined parts, of fixtures of robot-learning benchmarks.

- `pairs.json`: see `part_pairs`; the kind of a pair is its family. `benchmark`, `licence` and
  `model` give the origin of the fixture
- `clips/00000.mp4`: a hand comes, operates the part and, unless it carries it, leaves
- `targets/00000.jpg`: the fixture at rest from another camera, in another room and light
- `simulation.json`, `scenes/pairs/00000.json`: see `resumable_dataset`
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.data.readers.part_pairs import PAIRS_FILE
from afformer_core.media.images import write_jpeg
from afformer_core.media.video_encoding import encode_video
from afformer_core.parallel.engine import ParallelEngine
from afformer_core.parallel.local_engine import ONE_PROCESS
from afformer_core.parallel.resumable_dataset import Production, write_json
from afformer_sim.bodies.element import ACTIONS
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.robot_benchmarks.benchmark_pair import BenchmarkPair, plan_pair
from afformer_sim.robot_benchmarks.benchmark_renderer import BenchmarkRenderer
from afformer_sim.robot_benchmarks.benchmark_scene import BenchmarkScene
from afformer_sim.robot_benchmarks.parts import BENCHMARK_PARTS, benchmark_part
from afformer_sim.scene.demonstration import render_clip
from afformer_sim.scene.hand_skins import skins_xml
from afformer_sim.scene.view import render_views

SPLIT = 'pairs'
HANDS = ('mesh', 'capsules')
_FEWEST_FRAMES, _SMALLEST_SIDE = 8, 64


@dataclass(frozen=True, kw_only=True)
class PartPairsSettings:
    """Contents of a dataset of pairs with outlined parts.

    Attributes:
        seed: seed of everything random.
        scenes: number of pairs of each family.
        families: families of `BENCHMARK_PARTS`, none twice.
        frames, rate: number of frames of a clip, and frames per second.
        longest_side: longest side of every image, in pixels.
        hand: mesh or capsules.

    Raises:
        ValueError: a number is out of range, or a name unknown.
    """

    seed: int
    scenes: int = 6
    families: tuple[str, ...] = tuple(BENCHMARK_PARTS)
    frames: int = 24
    rate: float = 8.0
    longest_side: int = 448
    hand: str = 'mesh'

    def __post_init__(self) -> None:
        for family in self.families:
            benchmark_part(family)
        if not self.families or len(set(self.families)) < len(self.families):
            raise ValueError(
                f'families are {", ".join(self.families) or "none"}; expected at least one, none '
                'twice'
            )
        if self.hand not in HANDS:
            raise ValueError(f'hand is {self.hand!r}; expected one of {", ".join(HANDS)}')
        least = {
            'seed': 0,
            'scenes': 1,
            'frames': _FEWEST_FRAMES,
            'rate': 1,
            'longest_side': _SMALLEST_SIDE,
        }
        for name, value in least.items():
            if getattr(self, name) < value:
                raise ValueError(f'{name} is {getattr(self, name)}; it must be at least {value}')

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return self.scenes * len(self.families)


def write_part_pairs(
    folder: Path, settings: PartPairsSettings, engine: ParallelEngine = ONE_PROCESS
) -> Iterator[int]:
    """Render the missing pairs of a dataset; yield the number of finished pairs.

    Args:
        folder: folder of the dataset, created if missing.
        settings: contents of the dataset.
        engine: engine that renders the samples.

    Raises:
        DatasetError: a package is not installed, see `ModelSource.locate`, or see
            `Production.run`.
    """
    for family in settings.families:
        part = benchmark_part(family)
        part.source.locate(part.model)
    description = {'layout': 'robot-benchmarks', **asdict(settings)}
    make = partial(_make, settings)
    return Production(folder, SPLIT, description, settings.pairs, make, _merge).run(engine)


def _merge(folder: Path, entries: list[Any]) -> None:
    write_json(folder / PAIRS_FILE, entries)
    (folder / 'actions.txt').write_text(''.join(f'{action}\n' for action in ACTIONS))


def _make(settings: PartPairsSettings, index: int, folder: Path) -> dict[str, Any]:
    """Write the clip and the target of a pair; return its entry."""
    family = settings.families[index // settings.scenes]
    scene = BenchmarkScene(scene_seed(settings.seed, index), family, held_out=True)
    mesh = settings.hand == 'mesh'
    buffer = (settings.longest_side, settings.longest_side)
    with BenchmarkRenderer(scene, buffer, skins_xml() if mesh else None) as renderer:
        pair = plan_pair(scene, renderer, settings.longest_side, mesh=mesh)
        frames = render_clip(renderer, scene, pair.demonstration, settings.frames)
        [image] = render_views(scene, [pair.target], renderer)
    rng = make_rng(scene.seed, Stream.ANNOTATION)
    clip, target = f'clips/{index:05d}.mp4', f'targets/{index:05d}.jpg'
    for name in (clip, target):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    encode_video(folder / clip, frames, settings.rate, int(rng.integers(18, 30)))
    write_jpeg(folder / target, image, int(rng.integers(75, 97)))
    return {
        'id': f'{family}_{index % settings.scenes}',
        'clip': clip,
        'target': target,
        **_annotation(scene, pair, settings),
    }


def _annotation(
    scene: BenchmarkScene, pair: BenchmarkPair, settings: PartPairsSettings
) -> dict[str, Any]:
    part, demonstration = scene.part, pair.demonstration
    contact = demonstration.contact_frames(settings.frames)
    return {
        'kind': part.family,
        'parts': [np.round(outline, 2).tolist() for outline in pair.outlines],
        'action': part.action,
        'accepted_actions': list(part.accepted_actions),
        'before': _mark(scene, pair, settings, 0),
        'contact': None if contact is None else _mark(scene, pair, settings, contact[0]),
        'clip_frames': settings.frames,
        'clip_rate': settings.rate,
        'clip_size': list(demonstration.view.size),
        'target_size': list(pair.target.size),
        # pairs of a family show the same fixture
        'source_video': part.family,
        'robot': False,
        'benchmark': part.source.title,
        'model': part.model,
        'licence': part.source.licence,
    }


def _mark(
    scene: BenchmarkScene, pair: BenchmarkPair, settings: PartPairsSettings, frame: int
) -> dict[str, float] | None:
    """Return the contact point in a frame; None if it is outside the image."""
    time = float(pair.demonstration.times(settings.frames)[frame])
    pixel = pair.demonstration.contact_pixel(scene.fixture, time)
    if pixel is None:
        return None
    x, y = np.clip(pixel, 0, np.array(pair.demonstration.view.size) - 1).round(2).tolist()
    return {'frame': frame, 'x': x, 'y': y}
