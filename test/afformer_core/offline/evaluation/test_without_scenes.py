# SPDX-License-Identifier: Apache-2.0
"""The tests of the demonstration on data as OPRA's, with videos, by a model that follows them."""

from types import SimpleNamespace

import numpy as np

from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.evaluation.pairs.pair_measures import (
    measure_abstention,
    measure_demonstration_use,
)
from afformer_core.offline.evaluation.pairs.pairs import choose_pairs
from afformer_core.offline.evaluation.protocols import RowsProtocol
from afformer_core.runtime import Grounding, Peak

from .conftest import run_of

PROTOCOL = RowsProtocol((48, 64))


class Follower:
    """Points at the white square of the demonstration, or wherever it was told to.

    It knows an image of something else by its colour.
    """

    configuration = SimpleNamespace(maximum_frames=3, input_size=(48, 64))

    def __init__(self, position=None):
        self._position = position
        self._known = {}

    @property
    def demonstrations(self):
        return tuple(self._known)

    def set_demonstration(self, frames, name):
        self._known[name] = frames

    def delete_demonstration(self, name):
        del self._known[name]

    def ground(self, image, name):
        frames = self._known[name]
        rows, columns = np.nonzero(frames[-1].min(2) > 200)
        x, y = self._position or (columns.mean(), rows.mean())
        across, down = np.meshgrid(np.arange(64) - x, np.arange(48) - y)
        heatmap = np.exp(-(across**2 + down**2) / (2 * 3.5**2)) + 1e-9
        alike = np.abs(frames[0].mean((0, 1)) - image.mean((0, 1))).max() < 20
        return Grounding(
            np.asarray(heatmap / heatmap.sum(), np.float32),
            image.shape[:2],
            {'hold': 0.7, 'touch': 0.3},
            (Peak(x, y, 0.9),),
            0.9,
            0.9 if alike else 0.3,
        )


def evaluate(opra, grounder):
    pairs = choose_pairs(list(open_annotations(opra)))
    return run_of(grounder, PROTOCOL).evaluate(pairs)


def test_the_kld_of_a_model_that_follows_rises_with_another_demonstration(opra):
    use = measure_demonstration_use(evaluate(opra, Follower()), PROTOCOL)
    assert (use['pairs'], use['of_elements']) == (12, False)
    assert use['own']['kld'].value < 0.5
    assert use['hard_negative']['kld'].value > 5
    assert (regions(use['own']), regions(use['hard_negative'])) == ([1, 0], [0, 1])
    assert use['kld_rise'].low > 5


def regions(pointing):
    return [pointing[f'peak_in_{name}_region'].value for name in ('own', 'other')]


def test_a_model_that_sees_another_object_abstains(opra):
    abstention = measure_abstention(evaluate(opra, Follower()))
    assert not abstention['of_scenes']
    assert abstention['own']['found'].value == 1
    assert abstention['negative']['found'].value == 0
    assert abstention['own_right']['pairs'] == 12
    assert abstention['auroc']['feature_similarity'].value == 1
