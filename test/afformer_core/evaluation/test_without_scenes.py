# SPDX-License-Identifier: Apache-2.0
"""The tests of the demonstration on data as OPRA's, with videos, by a model that follows them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from afformer_core.data.opra import OpraDataset
from afformer_core.evaluation.abstention import abstention_table
from afformer_core.evaluation.demonstration_use import demonstration_table, motion_table
from afformer_core.evaluation.model_run import ModelRun
from afformer_core.evaluation.pairs import choose_pairs
from afformer_core.evaluation.protocols import RowsProtocol
from afformer_core.runtime import Grounding, Peak

PROTOCOL = RowsProtocol((48, 64))


class Follower:
    """Points at the white square of the demonstration, or wherever it was told to.

    It knows an image of something else by its colour.
    """

    configuration = SimpleNamespace(maximum_frames=3, input_size=(48, 64))

    def __init__(self, place=None):
        self._place = place
        self._known = {}
        self.encoded = 0

    @property
    def demonstrations(self):
        return tuple(self._known)

    def set_demonstration(self, frames, name):
        self._known[name] = frames
        self.encoded += 1

    def delete_demonstration(self, name):
        del self._known[name]

    def ground(self, image, name):
        frames = self._known[name]
        rows, columns = np.nonzero(frames[-1].min(2) > 200)
        x, y = self._place or (columns.mean(), rows.mean())
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
    pairs = choose_pairs(list(OpraDataset(opra)))
    return ModelRun(grounder, PROTOCOL).evaluate(pairs)


def test_the_kld_of_a_model_that_follows_rises_with_another_demonstration(opra):
    table = demonstration_table(evaluate(opra, Follower()), PROTOCOL)
    own, inside, other_inside = table.rows['its own demonstration']
    assert own.value < 0.5
    assert (inside.value, other_inside.value) == (1, 0)
    swapped, inside, other_inside = table.rows['another demonstration of the image']
    assert swapped.value > 5
    assert (inside.value, other_inside.value) == (0, 1)
    assert table.rows['rise in KLD'][0].low > 5
    assert '12 pairs' in table.notes[0]


def test_the_kld_of_a_model_that_does_not_look_stays_as_it_is(opra):
    table = demonstration_table(evaluate(opra, Follower((15, 24))), PROTOCOL)
    assert table.rows['rise in KLD'][0].value == pytest.approx(0)
    # It is right of the two left ones of three, whatever the demonstration.
    cells = table.rows['another demonstration of the image']
    assert cells[1].value == pytest.approx(2 / 3)
    assert cells[2].value == pytest.approx(1 / 3)


def test_a_model_that_sees_another_object_abstains(opra):
    table = abstention_table(evaluate(opra, Follower()))
    assert table.rows['its own demonstration'][1].value == 1
    assert table.rows["another image's demonstration"][1].value == 0
    assert table.rows['its own demonstration, peak in the region'][0] == 12
    assert table.rows["another image's demonstration"][-1].value == 1


def test_motion_is_not_asked_for_without_kinds_of_elements(opra):
    results = evaluate(opra, Follower())
    assert motion_table(results, ('hold', 'touch')) is None
    assert results[0].reversed_action is None


def test_demonstrations_of_an_image_are_kept_for_all_of_its_pairs(opra):
    grounder = Follower()
    evaluate(opra, grounder)
    # Three of each of four images, and one of another object for each of twelve pairs.
    assert grounder.encoded == 4 * 3 + 12
    assert len(grounder.demonstrations) == 3


def test_of_many_demonstrations_the_last_ones_are_kept(opra):
    sample = OpraDataset(opra)[0]
    clips = [(0.02 * number, 0.5) for number in range(12)]
    pairs = choose_pairs([replace(sample, clip=clip) for clip in clips])
    grounder = Follower()
    ModelRun(grounder, PROTOCOL).evaluate(pairs)
    assert grounder.encoded == 12
    assert len(grounder.demonstrations) == 8
