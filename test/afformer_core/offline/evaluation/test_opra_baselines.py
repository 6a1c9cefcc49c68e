# SPDX-License-Identifier: Apache-2.0
"""Baseline rows on the released OPRA annotations; a wrong protocol shows in the digits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.cli.evaluation import evaluate_models
from afformer_core.cli.main import main
from afformer_core.media.video import write_video
from afformer_core.models import afformer_small
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.evaluation.baselines import (
    CrossValidatedMeanMaps,
    center_bias,
    centred_gaussian,
    uniform,
)
from afformer_core.offline.evaluation.metrics.scoring import score
from afformer_core.offline.evaluation.protocols.named_protocols import PROTOCOLS
from afformer_core.offline.evaluation.protocols.protocols import (
    EvaluationProtocol,
    Predictor,
    ProtocolRow,
)
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory

PREDICTORS: dict[str, Callable[[EvaluationProtocol, Sequence[ProtocolRow]], Predictor]] = {
    'uniform': lambda protocol, rows: uniform(protocol.size),
    'gaussian': lambda protocol, rows: centred_gaussian(protocol.size),
    'action mean map': CrossValidatedMeanMaps,
    'center bias': lambda protocol, rows: center_bias(protocol),
}


@pytest.mark.parametrize(
    ('protocol', 'count', 'predictor', 'expected'),
    [
        ('pooled28', 921, 'uniform', (2.150, 0.194, 0.53)),
        ('pooled28', 921, 'gaussian', (2.039, 0.226, 0.647)),
        ('pooled28', 921, 'action mean map', (1.888, 0.256, 0.745)),
        ('pooled28', 921, 'center bias', (11.0195, 0.189, 0.617)),
        *(
            pytest.param(*row, marks=pytest.mark.slow)
            for row in (
                ('rows28', 3785, 'uniform', (2.653, 0.120, 0.533)),
                ('rows28', 3785, 'gaussian', (2.522, 0.143, 0.665)),
                ('rows28', 3785, 'action mean map', (2.333, 0.171, 0.750)),
                ('rows28', 3785, 'center bias', (11.1295, 0.143, 0.635)),
                ('rows256', 3785, 'uniform', (2.653, 0.120, 0.5)),
                ('rows256', 3785, 'gaussian', (2.523, 0.143, 0.647)),
                ('rows256', 3785, 'action mean map', (2.334, 0.171, 0.736)),
            )
        ),
    ],
)
def test_baselines(
    test_data: Path,
    protocol: str,
    count: int,
    predictor: str,
    expected: tuple[float, float, float],
) -> None:
    measured = PROTOCOLS[protocol]()
    rows = measured.rows(open_annotations(test_data / 'opra' / 'test.json'))
    predictors = {predictor: PREDICTORS[predictor](measured, rows)}
    scores = score(measured, rows, predictors, progress=False)[predictor]
    assert len(rows) == count
    found = [values.mean() for values in (scores.kld, scores.sim, scores.auc_judd)]
    assert found == pytest.approx(expected, abs=6e-4)


class LevelSession:
    """Draws the same probability everywhere."""

    backend = 'test'

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        return np.zeros((len(frames), 1, 8, 8), np.float32)

    def memorize(self, features: FloatArray) -> Memory:
        return Memory((features, features), (features, features))

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        return EncodedLevels(image, (), self.encode_frames(image[None])[0])

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        return Decoded(np.zeros((1, 64, 64), np.float32), np.zeros(7, np.float32))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_model_without_input_has_the_digits_of_its_baseline_row(
    capsys: pytest.CaptureFixture[str],
    test_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All pairs of the release, each with the same small image and clip."""
    annotations = test_data / 'opra' / 'test.json'
    dataset = open_annotations(annotations, tmp_path)
    cv2.imwrite(str(tmp_path / 'image.png'), np.zeros((64, 64, 3), np.uint8))
    write_video(tmp_path / 'clip.mp4', np.zeros((1, 64, 64, 3), np.uint8), 5.0)
    for sample in dataset:
        for path, file in ((sample.image_path, 'image.png'), (sample.video_path, 'clip.mp4')):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.symlink_to(tmp_path / file)
    names = dataset.action_names
    configuration = replace(afformer_small(names, (64, 64)), heatmap_per_action=False)
    grounder = ArrayGrounder(configuration, Networks(configuration, LevelSession()))
    monkeypatch.setattr(evaluate_models, 'open_grounder', lambda folder, arguments: grounder)
    words = ['--annotations', str(annotations), '--root', str(tmp_path)]
    assert main(['evaluate', *words, '--protocol', 'pooled28', '--json', '-']) == 0

    measures = json.loads(capsys.readouterr().out)['measures']
    assert measures['pooling']['rows'] == 921
    assert measures['pooling']['demonstrations'] == 3785
    reached = {
        name: [each[measure]['value'] for measure in ('kld', 'sim')]
        for name, each in measures['predictors'].items()
        if each['kld'] is not None
    }
    near = partial(pytest.approx, abs=6e-4)
    assert reached == {
        'model': near([2.150, 0.194]),
        'single_demonstration': near([2.150, 0.194]),
        'uniform': near([2.150, 0.194]),
        'centred_gaussian': near([2.039, 0.226]),
        'center_bias': near([11.0195, 0.189]),
        'action_mean_map': near([1.888, 0.256]),
    }
