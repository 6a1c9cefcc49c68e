# SPDX-License-Identifier: Apache-2.0
"""Small datasets on disk, with and without elements, and a small model with random weights."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from afformer_core.media.video import write_video
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.readers.part_pairs import PartPair, PartPairsDataset
from afformer_core.offline.evaluation.metrics import measure_peaks
from afformer_core.offline.evaluation.pairs.pair_evaluator import ModelRun, PairResult, RunSettings
from afformer_core.offline.evaluation.pairs.pairs import choose_pairs
from afformer_core.offline.evaluation.protocols import RowsProtocol
from afformer_core.offline.reports import bootstrap
from afformer_core.runtime.calibrations import PresenceFeatures
from afformer_core.runtime.weights import save_model

WIDTH, HEIGHT = 64, 48


def run_of(grounder, protocol, **settings):
    return ModelRun(RunSettings(lambda: grounder, protocol, **settings))


def square(x, y, half=5):
    corners = [
        [x - half, y - half],
        [x + half, y - half],
        [x + half, y + half],
        [x - half, y + half],
    ]
    return {'kind': 'button', 'polygon': corners, 'in_view': True}


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn for intervals takes most of the time of a test that is not about them."""
    monkeypatch.setattr(bootstrap, '_REPETITIONS', 20)


def write_scene(folder, number):
    """Two samples: the button on the left is pressed, the one on the right is held."""
    rng = np.random.default_rng(number)
    elements = [square(15, 20 + number), square(45, 20 + number)]
    entries = []
    for element, x in enumerate((15, 45)):
        stem = f'{number}_{element}'
        frames = rng.integers(0, 256, (5, HEIGHT, WIDTH, 3), np.uint8)
        write_video(folder / f'{stem}.mp4', frames, 10.0)
        image = rng.integers(0, 256, (2 * HEIGHT, 2 * WIDTH, 3), np.uint8)
        cv2.imwrite(str(folder / f'{stem}.jpg'), image)
        entries.append(
            {
                'image_path': f'{stem}.jpg',
                'video_path': f'{stem}.mp4',
                'width': WIDTH,
                'height': HEIGHT,
                'actions': [element + 1],
                'heatmaps': [[[x, 20 + number]]],
                'scene': f'scene{number}',
                'element': element,
                'elements': elements,
            }
        )
    return entries


def write_scenes(folder, count):
    """Path of the annotations of scenes with two pairs each."""
    entries = [entry for number in range(count) for entry in write_scene(folder, number)]
    (folder / 'actions.json').write_text(json.dumps(['press', 'hold']))
    (folder / 'test.json').write_text(json.dumps(entries))
    return folder / 'test.json'


@pytest.fixture(scope='session')
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp('scenes'), 3)


@pytest.fixture(scope='session')
def model_folder(tmp_path_factory):
    """EfficientNet-Lite0 at 64x64, without graphs."""
    folder = tmp_path_factory.mktemp('model')
    torch.manual_seed(0)
    save_model(folder, Afformer(afformer_small(('press', 'hold'), (64, 64))), {})
    return folder


# Of the two points that are demonstrated in an image of 64x48; they are 34 pixels apart.
LEFT, RIGHT = (15, 24), (49, 24)
# Objects by their folders, in BGR.
OBJECTS = {'kettle': (40, 40, 160), 'toaster': (160, 60, 40)}


def draw_object(colour, position=None):
    """A plain image, RGB, with a white square at a point."""
    image = np.full((HEIGHT, WIDTH, 3), colour, np.uint8)
    if position is not None:
        x, y = position
        image[y - 4 : y + 5, x - 4 : x + 5] = 255
    return image


def write_opra_object(folder, name):
    """Two images, of which each has two clips of the left and one of the right."""
    colour = OBJECTS[name]
    (folder / 'images' / name).mkdir(parents=True)
    (folder / 'clips' / name).mkdir(parents=True)
    entries = []
    for number, position in enumerate((LEFT, LEFT, RIGHT)):
        frames = [draw_object(colour, position if step > 1 else None) for step in range(5)]
        write_video(folder / 'clips' / name / f'{number}.0_0.5.mp4', np.stack(frames), 10.0)
    for image in range(2):
        path = folder / 'images' / name / f'{image}.png'
        cv2.imwrite(str(path), cv2.cvtColor(draw_object(colour), cv2.COLOR_RGB2BGR))
        for number, position in enumerate((LEFT, LEFT, RIGHT)):
            points = [[position[0] + dx, position[1] + number] for dx in (-1, 0, 1)]
            entries.append(
                {
                    'image_path': f'datasets/opra/images/{name}/{image}.png',
                    'video_path': f'datasets/opra/clips/{name}/{number}.0_0.5.mp4',
                    'width': WIDTH,
                    'height': HEIGHT,
                    'actions': [1 + number % 2],
                    'heatmaps': [points],
                }
            )
    return entries


@pytest.fixture(scope='session')
def opra(tmp_path_factory):
    """Path of annotations as OPRA's: folders by object, no scenes, twelve pairs."""
    folder = tmp_path_factory.mktemp('opra')
    entries = [entry for name in OBJECTS for entry in write_opra_object(folder, name)]
    (folder / 'test.json').write_text(json.dumps(entries))
    return folder / 'test.json'


COUNTED_ROWS = RowsProtocol((32, 32))


def result(pair, kld, peak, action, hard_negative_kld, hard_negative_peak):
    other = 'hold' if action == 'press' else 'press'
    rows = COUNTED_ROWS.rows([pair.sample])
    peaks = measure_peaks(rows, COUNTED_ROWS.targets(rows), [np.array([peak])])
    return PairResult(
        pair,
        rows,
        {'kld': np.array([kld]), 'sim': np.array([0.5]), 'auc_j': np.array([0.9]), **peaks},
        peak,
        bool(peaks['peak_inside'][0]),
        {action: 0.8, other: 0.2},
        10.0,
        np.array([hard_negative_kld]),
        hard_negative_peak,
        PresenceFeatures(0.6, 0.9 if action == 'press' else 0.75),
        None
        if pair.negative is None
        else PresenceFeatures(0.6, 0.65 if action == 'press' else 0.8),
    )


@pytest.fixture
def results(scenes):
    """Left, right, left, right; the second's peak and the fourth's action are wrong."""
    pairs = choose_pairs(list(open_annotations(scenes)), limit=2)
    return [
        result(pairs[0], 0.5, (15, 20), 'press', 4.5, (45, 20)),
        result(pairs[1], 1.5, (15, 20), 'hold', 6.5, (15, 20)),
        result(pairs[2], 1.0, (14, 22), 'press', 5.0, (30, 40)),
        result(pairs[3], 1.0, (45, 29), 'press', 4.0, (16, 22)),
    ]


def textured(seed: int) -> np.ndarray:
    """An image of 160x120 in which every point looks like no other."""
    noise = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (160, 120), interpolation=cv2.INTER_CUBIC))


@pytest.fixture(scope='session')
def part_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pairs, each of a still clip and a target that shows the same moved by (20, 10).

    The contact is marked at (60, 50); the part is from (70, 50) to (90, 70), around (80, 60). The
    centre of the image is (79.5, 59.5), and inside. The first two pairs are of one source video.
    """
    folder = tmp_path_factory.mktemp('part_pairs')
    entries = []
    for number in range(3):
        image = textured(number)
        write_video(folder / f'{number}.mp4', np.repeat(image[None], 4, 0), 10.0, 5)
        moved = cv2.warpAffine(
            image, np.float32([[1, 0, 20], [0, 1, 10]]), (160, 120), borderMode=cv2.BORDER_WRAP
        )
        cv2.imwrite(str(folder / f'{number}.png'), cv2.cvtColor(moved, cv2.COLOR_RGB2BGR))
        entries.append(
            {
                'id': f'pair {number}',
                'clip': f'{number}.mp4',
                'target': f'{number}.png',
                'parts': [[[70, 50], [90, 50], [90, 70], [70, 70]]],
                'action': 'press',
                'accepted_actions': ['press', 'hold'] if number else ['press'],
                'kind': 'other-shot' if number else 'same-scene',
                'source_video': f'video {max(1, number)}',
                'before': {'frame': 1, 'x': 60, 'y': 50},
            }
        )
    (folder / 'pairs.json').write_text(json.dumps(entries))
    return folder


PairMaker = Callable[..., PartPair]


@pytest.fixture
def make_pair(tmp_path: Path) -> PairMaker:
    """Makes a pair on a target of 100x50 without media; one part from (20, 10) to (40, 30)."""

    def make(**changes: Any) -> PartPair:
        entry = {
            'clip': 'clip.mp4',
            'target': 'target.png',
            'target_size': [100, 50],
            'parts': [[[20, 10], [40, 10], [40, 30], [20, 30]]],
            'action': 'pull',
            **changes,
        }
        (tmp_path / 'pairs.json').write_text(json.dumps([entry]))
        return PartPairsDataset(tmp_path).pairs[0]

    return make


@pytest.fixture
def pairs_of(make_pair: PairMaker) -> Callable[..., list[PartPair]]:
    """Makes so many pairs of each source, each of its own video."""
    return lambda **counts: [
        make_pair(repository=name, source_video=f'{name} {number}')
        for name, count in counts.items()
        for number in range(count)
    ]


def described(root: Path, measures: str) -> set[str]:
    """Names in the table of the reference whose heading names these measures."""
    page = (root / 'docs' / 'reference' / 'evaluation_json.md').read_text()
    _, _, rest = page.partition(f'| name in {measures} | |\n|---|---|\n')
    table, _, _ = rest.partition('\n\n')
    return {
        name for row in table.splitlines() for name in re.findall(r'`([\w.]+)`', row.split('|')[1])
    }
