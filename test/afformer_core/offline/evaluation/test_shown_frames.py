# SPDX-License-Identifier: Apache-2.0
"""Which frames of its clips a model is shown in an evaluation, whole or in windows."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from afformer_core.media.video import read_video
from afformer_core.models import afformer_small
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.frame_sampling import UniformSampling, WindowSampling
from afformer_core.offline.evaluation.metrics import kld
from afformer_core.offline.evaluation.pairs.pairs import Pair, choose_pairs
from afformer_core.offline.evaluation.protocols import RowsProtocol
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.weights import save_model

from ...conftest import random_model
from .conftest import run_of

# Clips have five frames, ten a second.
PAIRS_OF_FRAMES = WindowSampling(10.0, 2, 1)


class RememberingGrounder(ArrayGrounder):
    """Remembers the frames of every demonstration by its name."""

    def __init__(self, *model):
        super().__init__(*model)
        self.shown = {}

    def set_demonstration(self, frames, name):
        self.shown[name] = np.stack(frames)
        return super().set_demonstration(frames, name)


@pytest.fixture
def grounder(model_folder):
    loaded = ArrayGrounder.load(model_folder, 'torch')
    return RememberingGrounder(loaded.configuration, loaded._networks)


def test_by_default_a_clip_is_shown_evenly_spaced(scenes, grounder):
    grounder.configuration = replace(grounder.configuration, maximum_frames=3)
    (pair, *_) = choose_pairs(list(open_annotations(scenes)))
    run = run_of(grounder, RowsProtocol((32, 32)))
    found = run.ground(pair)

    assert run.sampling == UniformSampling(3)
    frames = read_video(pair.sample.video_path)[[0, 2, 4]]
    grounder.set_demonstration(frames, 'by hand')
    image = cv2.imread(str(pair.sample.image_path))[:, :, ::-1]
    expected = grounder.ground(image, 'by hand')
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    assert found.peaks == expected.peaks
    assert found.action_scores == expected.action_scores
    assert found.feature_similarity == expected.feature_similarity


def test_a_clip_of_several_windows_is_their_mean(scenes, grounder):
    (pair, *_) = choose_pairs(list(open_annotations(scenes)))
    found = run_of(grounder, RowsProtocol((32, 32)), sampling=PAIRS_OF_FRAMES).ground(pair)

    frames = read_video(pair.sample.video_path)
    image = cv2.imread(str(pair.sample.image_path))[:, :, ::-1]
    windows = []
    for start in range(4):
        grounder.set_demonstration(frames[start : start + 2], 'by hand')
        windows.append(grounder.ground(image, 'by hand'))
    expected = np.mean([window.heatmap for window in windows], axis=0)
    np.testing.assert_allclose(found.heatmap, expected, rtol=1e-5)
    for name, score in found.action_scores.items():
        assert score == pytest.approx(np.mean([each.action_scores[name] for each in windows]))
    # A single one would not have done.
    for window in windows:
        assert np.abs(window.heatmap / expected - 1).max() > 1e-3


def test_no_more_than_eight_windows_are_kept(scenes, grounder):
    sample = replace(open_annotations(scenes)[0], scene=None)
    # Of four windows, of two, and of one.
    clips = [(0.0, 0.5), (0.2, 0.5), (0.1, 0.5), (0.3, 0.5)]
    pairs = [Pair(replace(sample, clip=clip), None) for clip in clips]
    run = run_of(grounder, RowsProtocol((32, 32)), sampling=PAIRS_OF_FRAMES)
    kept = [len(grounder.demonstrations) for pair in pairs for _ in run.evaluate([pair])]
    assert kept == [4, 4 + 2, 2 + 3, 2 + 3 + 1]


@pytest.mark.parametrize('sampling', [UniformSampling(9), WindowSampling(2.0, 9, 4)])
def test_more_frames_than_the_model_takes_are_refused(grounder, sampling):
    assert grounder.configuration.maximum_frames == 8
    with pytest.raises(ValueError, match=r'shows the model 9 frames at once; expected at most 8'):
        run_of(grounder, RowsProtocol((32, 32)), sampling=sampling)


@pytest.fixture
def of_each_action(scenes, tmp_path):
    """A model that draws a heatmap for each of the dataset's actions."""
    names = open_annotations(scenes).action_names
    configuration = replace(
        afformer_small(names, (64, 64)), heatmap_per_action=True, action_pooling='mean'
    )
    save_model(tmp_path / 'model', random_model(configuration), {})
    return ArrayGrounder.load(tmp_path / 'model', 'torch')


def test_the_annotated_actions_heatmap_is_measured_where_asked_for(scenes, of_each_action):
    dataset = open_annotations(scenes)
    (pair, *_) = choose_pairs(list(dataset))
    protocol = RowsProtocol((64, 64))
    (row,) = protocol.rows([pair.sample])
    image = cv2.imread(str(pair.sample.image_path))[:, :, ::-1]
    of_each_action.set_demonstration(read_video(pair.sample.video_path), 'by hand')
    logits = of_each_action.output(image, 'by hand').heatmap_logits
    grounding = of_each_action.ground(image, 'by hand')
    divergences = []
    for each in logits:
        heatmap = replace(grounding, probabilities=np.exp(each - each.max())).heatmap
        divergences.append(kld(protocol.prediction(heatmap)[None], protocol.targets([row]))[0])

    names = dataset.action_names
    annotated = run_of(of_each_action, protocol, annotated_actions=names).evaluate([pair])
    predicted = run_of(of_each_action, protocol).evaluate([pair])

    best = names.index(next(iter(predicted[0].action_scores)))
    assert annotated[0].scores['kld'][0] == pytest.approx(divergences[row.action], rel=1e-4)
    assert predicted[0].scores['kld'][0] == pytest.approx(divergences[best], rel=1e-4)


@pytest.fixture
def pair_of_the_other_action(scenes, of_each_action):
    """Annotated with the action that the model does not find best, with a companion."""
    dataset = open_annotations(scenes)
    (pair, *_) = choose_pairs(list(dataset))
    found = run_of(of_each_action, RowsProtocol((64, 64))).ground(pair)
    other = 1 - dataset.action_names.index(found.action)
    return replace(
        pair, sample=replace(pair.sample, actions=(other,)), companions=(pair.hard_negative,)
    )


def test_the_robots_peak_is_told_beside_that_of_the_annotated_action(
    pair_of_the_other_action, of_each_action
):
    names = ('press', 'hold')
    run = run_of(of_each_action, RowsProtocol((64, 64)), annotated_actions=names)
    sample = pair_of_the_other_action.sample
    (found,) = run.evaluate([replace(pair_of_the_other_action, hard_negative=sample)])
    best = run.ground(pair_of_the_other_action).peaks[0]
    # The image is twice as large as its annotation.
    assert np.multiply(found.peak, 2) + 0.5 == pytest.approx([best.u, best.v])
    assert found.scores['position'][0] != pytest.approx(found.peak, abs=1)
    # With another demonstration, the heatmap of the same action is measured.
    assert found.hard_negative_kld == pytest.approx(found.scores['kld'])


def test_the_annotated_action_must_be_known_to_the_model(of_each_action):
    with pytest.raises(ValueError, match='the annotations name'):
        run_of(of_each_action, RowsProtocol((64, 64)), annotated_actions=('fly',))
