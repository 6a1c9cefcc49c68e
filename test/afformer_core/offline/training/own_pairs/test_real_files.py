# SPDX-License-Identifier: Apache-2.0
"""The shipped model, fine-tuned on three real pairs that it gets wrong, and on one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.media.images import read_image
from afformer_core.offline.data.readers.part_pairs import PartPair, PartPairsDataset
from afformer_core.offline.evaluation.parts.clips import Clip, read_clip
from afformer_core.offline.evaluation.parts.part_scores import distance_to_parts
from afformer_core.offline.evaluation.parts.predictors import ModelPredictor
from afformer_core.runtime import ArrayGrounder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

TRAINED = ('dt_sw1', 'bt_circuit_1', 'whirl_drawer')
# Another image of a clip of these; and pairs of other sources, right and wrong, sure and unsure.
OTHER_IMAGES = ('bt_circuit_2',)
UNRELATED = ('opra_coffee', 'rsrd_stapler', 'rsrd_bear', 'ss_glass', 'v2r_coke_F', 'dpp_knob')
# A share of the diagonal, within which a peak counts as the same.
_NEAR = 0.02


@pytest.fixture(scope='module')
def pairs(test_data: Path) -> dict[str, PartPair]:
    """Real pairs by name, with polygons in pixels of their images."""
    folders = [test_data / name for name in ('real', 'real_second', 'real_third')]
    if absent := [folder for folder in folders if not folder.is_dir()]:
        pytest.skip(f'no real pairs at {absent[0]}')
    found = [pair for folder in folders for pair in PartPairsDataset(folder).pairs]
    return {pair.sample.sample_id: pair for pair in found}


def middle(pair: PartPair) -> np.ndarray:
    """The mean corner of the pair's first part, which is inside of those that are used here."""
    return np.asarray(pair.parts[0]).mean(axis=0)


def write_pairs(folder: Path, pairs: Sequence[PartPair]) -> None:
    """Lay out own pairs with one point each."""
    for pair in pairs:
        sample = pair.sample
        own = folder / sample.sample_id
        x, y = middle(pair)
        for kind, path in (('demonstrations', sample.video_path), ('images', sample.image_path)):
            (own / kind).mkdir(parents=True)
            (own / kind / path.name).symlink_to(path)
        row = f'{sample.video_path.name},{sample.image_path.name},push,{x:.1f},{y:.1f}'
        (own / 'points.csv').write_text(f'demonstration,image,action,x,y\n{row}\n')


def fine_tune(annotations: Path, output: Path, steps: int) -> Path:
    options = {
        'data.train.annotations': annotations,
        'data.cache_folder': 'null',
        'data.workers': 0,
        'trainer.accelerator': 'cpu',
        'trainer.precision': 32,
        'trainer.max_steps': steps,
        'trainer.enable_progress_bar': 'false',
        'output': output,
    }
    words = [f'--{name}={value}' for name, value in options.items()]
    configuration = Path(__file__).parents[5] / 'config' / 'train' / 'own_pairs.yaml'
    assert main(['train', '-c', str(configuration), *words]) == 0
    return output


def peaks(
    model: Path, pairs: Mapping[str, PartPair], names: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Best peaks as shares of width and height."""
    predictor = ModelPredictor(ArrayGrounder.load(model, 'torch'))
    found = {}
    for name in names:
        pair = pairs[name]
        clip: Clip = read_clip(pair, 8)
        found[name] = predictor.predict(read_image(pair.sample.image_path), clip).points[0]
    return found


@pytest.fixture(scope='module')
def before(shipped_model: Path, pairs: Mapping[str, PartPair]) -> dict[str, tuple[float, float]]:
    return peaks(shipped_model, pairs, (*TRAINED, *OTHER_IMAGES, *UNRELATED))


def inside(
    pairs: Mapping[str, PartPair], found: Mapping[str, tuple[float, float]]
) -> dict[str, bool]:
    return {name: distance_to_parts(pairs[name], point) == 0 for name, point in found.items()}


def moved(
    before: Mapping[str, tuple[float, float]], after: Mapping[str, tuple[float, float]]
) -> list[str]:
    return [
        name
        for name, point in before.items()
        if name in UNRELATED and np.hypot(*np.subtract(after[name], point)) > _NEAR * 2**0.5
    ]


@pytest.mark.parametrize(
    ('trained', 'right', 'steps'),
    [(TRAINED, (*TRAINED, *OTHER_IMAGES), 20), (('dt_sw1',), ('dt_sw1',), 2)],
)
def test_pairs_are_answered_as_marked_and_others_as_before(
    pairs: Mapping[str, PartPair],
    before: Mapping[str, tuple[float, float]],
    tmp_path: Path,
    trained: Sequence[str],
    right: Sequence[str],
    steps: int,
) -> None:
    assert not any(inside(pairs, {name: before[name] for name in trained}).values())
    write_pairs(tmp_path / 'pairs', [pairs[name] for name in trained])

    after = peaks(fine_tune(tmp_path / 'pairs', tmp_path / 'model', steps), pairs, tuple(before))

    found = inside(pairs, after)
    assert [name for name in right if not found[name]] == []
    assert moved(before, after) == []
