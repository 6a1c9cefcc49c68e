# SPDX-License-Identifier: Apache-2.0
"""The shipped model, taught three real pairs that it gets wrong, and fine-tuned on one."""

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
from afformer_core.runtime.model_folder import read_description

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

TAUGHT = ('dt_sw1', 'bt_circuit_1', 'whirl_drawer')
# Another image of a clip of these; and pairs of other sources, right and wrong, sure and unsure.
OTHER_IMAGES = ('bt_circuit_2',)
UNRELATED = ('opra_coffee', 'rsrd_stapler', 'rsrd_bear', 'ss_glass', 'v2r_coke_F', 'dpp_knob')


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
    return peaks(shipped_model, pairs, (*TAUGHT, *OTHER_IMAGES, *UNRELATED))


def inside(
    pairs: Mapping[str, PartPair], found: Mapping[str, tuple[float, float]]
) -> dict[str, bool]:
    return {name: distance_to_parts(pairs[name], point) == 0 for name, point in found.items()}


def test_taught_pairs_are_answered_as_marked_and_others_as_before(
    pairs: Mapping[str, PartPair], before: Mapping[str, tuple[float, float]], tmp_path: Path
) -> None:
    assert not any(inside(pairs, {name: before[name] for name in TAUGHT}).values())
    write_pairs(tmp_path / 'pairs', [pairs[name] for name in TAUGHT])
    model = tmp_path / 'model'
    assert main(['teach', str(tmp_path / 'pairs'), '--output', str(model)]) == 0

    after = peaks(model, pairs, tuple(before))

    found = inside(pairs, after)
    assert [name for name in (*TAUGHT, *OTHER_IMAGES) if not found[name]] == []
    assert [after[name] for name in UNRELATED] == [before[name] for name in UNRELATED]


def test_a_trained_model_keeps_what_does_not_depend_on_its_decoder(
    pairs: Mapping[str, PartPair], shipped_model: Path, tmp_path: Path
) -> None:
    write_pairs(tmp_path / 'pairs', [pairs['dt_sw1']])
    trained = read_description(fine_tune(tmp_path / 'pairs', tmp_path / 'model', 2))
    shipped = read_description(shipped_model)

    assert trained.weights_sha256 != shipped.weights_sha256
    assert trained.configuration.action_names == shipped.configuration.action_names
    kept, initial = trained.valid_calibrations, shipped.valid_calibrations
    assert kept.presence is not None
    assert initial.presence is not None
    assert kept.presence.threshold == initial.presence.threshold
    assert kept.certainty is not None
    assert initial.certainty is not None
    assert kept.certainty.certainty(0.7) == initial.certainty.certainty(0.7)
    assert kept.certainty.action_threshold == 1
    assert kept.decoder is not None
    assert kept.decoder.certainty(0.99) < 1e-6
