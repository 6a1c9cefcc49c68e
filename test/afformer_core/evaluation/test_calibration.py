# SPDX-License-Identifier: Apache-2.0
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.evaluation.calibration import calibration_pairs, split_pairs
from afformer_core.evaluation.pairs import sample_group
from afformer_core.models import afformer_small


def test_no_appliance_is_on_both_sides(appliances):
    calibration, others = split_pairs(appliances, 5)

    # Of three appliances.
    assert (len(calibration), len(others)) == (1, 1)
    groups = [sample_group(pair.sample) for pair in (*calibration, *others)]
    assert len(set(groups)) == 2


def test_one_appliance_is_too_few(appliances, tmp_path):
    folder = tmp_path / 'copy'
    shutil.copytree(appliances.parent, folder)
    entries = json.loads(appliances.read_text())
    (folder / 'test.json').write_text(json.dumps(entries[:1]))

    with pytest.raises(DatasetError, match='holds 1 independent pairs'):
        split_pairs(folder / 'test.json', 5)


def test_no_pair_is_asked_for(appliances):
    with pytest.raises(ValueError, match='0 pairs are asked for'):
        split_pairs(appliances, 0)


def test_pictures_are_as_the_model_takes_them(appliances):
    configuration = replace(afformer_small(('press', 'hold'), (64, 96)), maximum_frames=3)
    calibration, _ = split_pairs(appliances, 5)

    (pair,) = calibration_pairs(calibration, configuration)

    assert pair.frames.shape == (3, 64, 96, 3)
    assert pair.image.shape == (64, 96, 3)
    assert pair.frames.dtype == pair.image.dtype == np.uint8
