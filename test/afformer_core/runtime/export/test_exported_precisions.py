# SPDX-License-Identifier: Apache-2.0
"""Exported graphs of the shipped model, on a hundred simulated pairs it has not seen."""

import shutil

import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.media.images import read_image, resize_to_input
from afformer_core.media.video import read_video
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.evaluation.pairs.pairs import choose_pairs
from afformer_core.runtime.backends import open_decoder
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.golden.differences import TOLERANCES, Differences
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.self_test import GoldenOutputs, self_test

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
COUNT = 100


@pytest.fixture(scope='module')
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp('simulated')
    options = ['--split', 'test', '--scenes', str(COUNT), '--seed', '11']
    few = ['--demonstrations', '1', '--targets', '1', '--processes', '2']
    assert main(['simulate', str(folder), *options, *few]) == 0
    pairs = choose_pairs(open_annotations(folder / 'test.json'), per_group=1)
    return [pair.sample for pair in pairs]


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_graphs_give_what_the_model_gives(shipped_model, samples, tmp_path, precision):
    folder = shutil.copytree(shipped_model, tmp_path / 'model')
    export_graphs(folder, precision)
    description = read_description(folder)
    exact = open_decoder(folder, 'torch', 0)
    networks = open_decoder(folder, 'onnxruntime', 0, precision)
    size = description.configuration.input_size
    differences = []
    for sample in samples:
        clip = read_video(sample.video_path, 8, sample.clip)
        frames = np.stack([resize_to_input(frame, size) for frame in clip])
        image = resize_to_input(read_image(sample.image_path), size)
        golden = GoldenOutputs.of(exact, frames, image, [range(len(frames))])
        differences.append(self_test(networks, golden, TOLERANCES[precision], description))
    print(f'\n{precision}: {Differences.largest(differences)}')
    assert len(differences) == COUNT
