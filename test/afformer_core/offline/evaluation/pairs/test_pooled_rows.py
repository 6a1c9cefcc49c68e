# SPDX-License-Identifier: Apache-2.0
"""Models that know the ground truth, measured at 28x28 by the command as any other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import pytest

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.cli.evaluation import on_pairs
from afformer_core.cli.main import main
from afformer_core.media.video import write_video
from afformer_core.models import afformer_small
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory

CONFIGURATION = replace(
    afformer_small(('hold', 'touch'), (256, 256)), maximum_frames=2, heatmap_per_action=False
)
# Points by the grey of an image and of a demonstration; those of an image share their action.
POINTS: Mapping[tuple[int, int], Sequence[tuple[int, int]]] = {
    (80, 40): [(64, 64), (70, 90)],
    (80, 200): [(180, 120)],
    (160, 40): [(30, 200)],
}
Heatmap = np.ndarray


def heatmap(points: Sequence[tuple[int, int]]) -> Heatmap:
    """Points in an image of 256x256, blurred as OPRA's are."""
    blurred = np.zeros((256, 256), np.float32)
    for x, y in points:
        blurred[y, x] += 1
    return np.asarray(cv2.GaussianBlur(blurred, (85, 85), 0))


def at_28(fine: Heatmap, *sides: int) -> Heatmap:
    for side in (*sides, 28):
        fine = np.asarray(cv2.resize(fine, (side, side), interpolation=cv2.INTER_LINEAR))
    return np.asarray(fine / fine.sum(), np.float64)


def divergence(predicted: Heatmap, target: Heatmap) -> float:
    return float((target * np.log(target / (predicted + 1e-12) + 1e-12)).sum())


def as_compared(fine: Heatmap) -> Heatmap:
    blurred = cv2.GaussianBlur(at_28(fine), (5, 5), 0)
    return np.asarray(blurred / blurred.sum())


class KnowingSession:
    """Draws a known heatmap for the grey of an image and that of a demonstration."""

    backend = 'test'

    def __init__(self, known: Mapping[tuple[int, int], Heatmap]) -> None:
        self._known = known

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        greys = frames.mean(axis=(1, 2, 3), dtype=np.float32)
        return np.asarray(np.broadcast_to(greys[:, None, None, None], (len(frames), 1, 32, 32)))

    def memorize(self, features: FloatArray) -> Memory:
        return Memory((features, features), (features, features))

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        return EncodedLevels(image, (), self.encode_frames(image[None])[0])

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        seen = float(image.image.mean()), float(memory.keys[0].mean())
        nearest = min(self._known, key=lambda greys: float(np.abs(np.subtract(greys, seen)).sum()))
        logits = np.log(self._known[nearest] + 1e-30)[None]
        return Decoded(np.asarray(logits, np.float32), np.zeros(2, np.float32))


@pytest.fixture(scope='module')
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('pooled')
    entries = []
    for (image, clip), points in POINTS.items():
        # What the model draws is compared, and not what is left of it in a tiny image.
        side = 256 if image == 80 else 20
        cv2.imwrite(str(folder / f'{image}.png'), np.full((side, side, 3), image, np.uint8))
        write_video(folder / f'{clip}.mp4', np.full((2, 32, 32, 3), clip, np.uint8), 10.0)
        entries.append(
            {
                'image_path': f'{image}.png',
                'video_path': f'{clip}.mp4',
                'width': 256,
                'height': 256,
                'actions': [1 if image == 80 else 2],
                'heatmaps': [[list(point) for point in points]],
            }
        )
    (folder / 'actions.json').write_text(json.dumps(['hold', 'touch']))
    (folder / 'test.json').write_text(json.dumps(entries))
    return folder / 'test.json'


class Evaluate(Protocol):
    """The command with a model that draws known heatmaps, to what it says of it."""

    def __call__(self, known: Mapping[tuple[int, int], Heatmap], *options: str) -> Any: ...


@pytest.fixture
def evaluate(
    annotations: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Evaluate:
    def evaluated(known: Mapping[tuple[int, int], Heatmap], *options: str) -> Any:
        grounder = ArrayGrounder(CONFIGURATION, Networks(CONFIGURATION, KnowingSession(known)))
        monkeypatch.setattr(on_pairs, 'open_grounder', lambda folder, arguments: grounder)
        words = ['evaluate', '--annotations', str(annotations), '--protocol', *options]
        assert main([*words, '--json', '-']) == 0
        return json.loads(capsys.readouterr().out)

    return evaluated


def value(found: Any, predictor: str, name: str) -> float:
    number: float = found['measures']['predictors'][predictor][name]['value']
    return number


POOLED = {
    image: [point for (each, _), points in POINTS.items() if each == image for point in points]
    for image in (80, 160)
}
# Each demonstration shows its own points alone.
OWN = {greys: heatmap(points) for greys, points in POINTS.items()}


def test_a_model_that_draws_the_ground_target_reaches_what_the_protocol_allows(
    evaluate: Evaluate,
) -> None:
    known = {greys: heatmap(POOLED[greys[0]]) for greys in POINTS}
    found = evaluate(known, 'pooled28')

    bound = np.mean(
        [
            divergence(as_compared(heatmap(points)), at_28(heatmap(points), 224))
            for points in POOLED.values()
        ]
    )
    assert value(found, 'model', 'kld') == pytest.approx(bound, rel=1e-3)
    assert value(found, 'model', 'auc_j') > 0.99


def test_the_mean_of_the_heatmaps_of_a_rows_demonstrations_is_measured(evaluate: Evaluate) -> None:
    found = evaluate(OWN, 'pooled28')

    targets = {image: at_28(heatmap(points), 224) for image, points in POOLED.items()}
    one, two, other = (as_compared(heatmap(points)) for points in POINTS.values())
    pooled = divergence((one + two) / 2, targets[80]) + divergence(other, targets[160])
    apart = (divergence(one, targets[80]) + divergence(two, targets[80])) / 2
    assert value(found, 'model', 'kld') == pytest.approx(pooled / 2, rel=1e-3)
    assert value(found, 'single_demonstration', 'kld') == pytest.approx(
        (apart + divergence(other, targets[160])) / 2, rel=1e-3
    )
    assert found['measures']['pooling'] == {
        'combination': 'mean_heatmap',
        'rows': 2,
        'rows_without_demonstration': 0,
        'demonstrations': 3,
        'demonstrations_of_a_row_most': 2,
    }
    assert found['facts']['protocol'] == 'pooled28'
    assert found['measures']['predictors']['model']['rows'] == 2
    assert found['measures']['predictors']['uniform']['rows'] == 2


def test_rows_of_samples_are_compared_with_their_own_points(evaluate: Evaluate) -> None:
    found = evaluate(OWN, 'rows28')

    bounds = [
        divergence(as_compared(heatmap(points)), at_28(heatmap(points), 224))
        for points in POINTS.values()
    ]
    assert value(found, 'model', 'kld') == pytest.approx(np.mean(bounds), rel=1e-3)
    assert found['measures']['predictors']['model']['rows'] == 3
    assert found['measures']['predictors']['center_bias']['rows'] == 3
    assert found['measures']['pooling'] is None


def test_all_points_count_though_one_demonstration_is_drawn(evaluate: Evaluate) -> None:
    known = {greys: heatmap(POOLED[greys[0]]) for greys in POINTS}
    found = evaluate(known, 'pooled28', '--pairs-per-group', '1', '--limit', '1')

    drawn = heatmap(POOLED[80])
    bound = divergence(as_compared(drawn), at_28(drawn, 224))
    assert value(found, 'model', 'kld') == pytest.approx(bound, rel=1e-3)
    pooling = found['measures']['pooling']
    assert (pooling['rows'], pooling['rows_without_demonstration']) == (1, 1)
    assert pooling['demonstrations'] == 1


def test_the_page_shows_the_pooled_rows(evaluate: Evaluate, tmp_path: Path) -> None:
    page = tmp_path / 'page.html'
    evaluate(OWN, 'pooled28', '--report', str(page))
    text = page.read_text()
    assert 'model, one demonstration at a time' in text
    assert text.count('<img') == 3
