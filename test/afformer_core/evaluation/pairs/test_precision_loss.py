# SPDX-License-Identifier: Apache-2.0
"""The cost of fewer bits for the shipped model, on a hundred simulated pairs it has not seen."""

import shutil

import pytest

from afformer_core.cli.main import main
from afformer_core.data.annotations import open_annotations
from afformer_core.evaluation.pairs.calibration import calibration_pairs
from afformer_core.evaluation.pairs.pairs import choose_pairs
from afformer_core.evaluation.pairs.precision_loss import precision_loss
from afformer_core.runtime.backends import open_decoder
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.golden.differences import TOLERANCES, Differences
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.self_test import GoldenOutputs, self_test

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
COUNT = 100


@pytest.fixture(scope='module')
def annotations(tmp_path_factory):
    folder = tmp_path_factory.mktemp('simulated')
    options = ['--split', 'test', '--scenes', str(2 * COUNT), '--seed', '11']
    few = ['--demonstrations', '1', '--targets', '1', '--processes', '2']
    assert main(['simulate', str(folder), *options, *few]) == 0
    return folder / 'test.json'


@pytest.fixture(scope='module')
def folder(shipped_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp('model') / 'shipped'
    folder.mkdir()
    for file in ('model.json', 'model.safetensors'):
        shutil.copy(shipped_model / file, folder)
    for precision in ('fp32', 'fp16'):
        export_graphs(folder, precision)
    return folder


@pytest.fixture(scope='module')
def pairs(annotations):
    return choose_pairs(open_annotations(annotations), limit=COUNT, per_group=1)


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_graphs_give_what_the_model_gives(folder, pairs, precision):
    configuration = read_description(folder).configuration
    exact = open_decoder(folder, 'torch', 0)
    networks = open_decoder(folder, 'onnxruntime', 0, precision)
    differences = [
        self_test(
            networks,
            GoldenOutputs.of(exact, frames, image, [range(len(frames))]),
            TOLERANCES[precision],
            read_description(folder),
        )
        for frames, image in calibration_pairs(pairs, configuration)
    ]
    print(f'\n{precision}: {Differences.largest(differences)}')
    assert len(differences) == COUNT


def test_the_best_peak_stays_in_half_precision(folder, pairs):
    configuration = read_description(folder).configuration
    exact = open_decoder(folder, 'torch', 0).decoder
    half = open_decoder(folder, 'onnxruntime', 0, 'fp16').decoder
    loss = precision_loss(pairs, configuration, exact, half)
    print(f'\nfp16: {loss}')
    assert loss['pairs'] == COUNT
    assert loss['within_a_pixel'] >= 0.99
    assert abs(loss['kld'] - loss['exact_kld']) < 0.01


def test_the_cost_of_eight_bits_is_told(folder, annotations, capsys):
    words = ['--precision', 'fp16', '--quantize', 'int8', '--calibration', str(annotations)]
    assert main(['export', str(folder), *words, '--calibration-pairs', str(COUNT)]) == 0

    told = capsys.readouterr().out
    print(told)
    graphs = read_graphs(folder, 'int8')
    assert graphs.base == 'fp16'
    assert f'On {COUNT} others KLD is {graphs.loss["kld"]:.3f}' in told
    assert abs(graphs.loss['kld'] - graphs.loss['exact_kld']) < 0.05
    assert graphs.loss['within_a_pixel'] > 0.75
