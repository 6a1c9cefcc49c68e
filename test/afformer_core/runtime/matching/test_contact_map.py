# SPDX-License-Identifier: Apache-2.0
"""A contact that is marked or read: its map, and the point at which a model finds it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.errors import DemonstrationError
from afformer_core.models import afformer_small
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.features import FrameFeatures
from afformer_core.runtime.matching.contact_map import marked_contact, read_contact
from afformer_core.runtime.weights import save_model

from ...conftest import ACTIONS, random_model

DECODER = afformer_small(ACTIONS, (64, 96))


def test_a_mark_is_a_normal_distribution_around_it() -> None:
    logits = marked_contact((18.5 / 24, 4.5 / 16), (16, 24))

    rows, columns = np.mgrid[:16, :24]
    # Around column 18 and row 4, at 0.03 of the width and of the height.
    expected = -(((columns - 18) / 24) ** 2 + ((rows - 4) / 16) ** 2) / (2 * 0.03**2)
    np.testing.assert_allclose(logits, expected, atol=1e-9)


@pytest.fixture(scope='module')
def grounder(matched_folder: Path) -> ArrayGrounder:
    return ArrayGrounder.load(matched_folder, 'torch', 1)


def panel(seed: int) -> np.ndarray:
    """An image of 192x128 in which every point looks like no other."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (192, 128), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize('mark', [(56, 88), (136, 40)])
def test_the_marked_point_is_found(grounder: ArrayGrounder, mark: tuple[int, int]) -> None:
    image = panel(0)
    contact = (mark[0] + 0.5) / 192, (mark[1] + 0.5) / 128
    grounder.set_demonstration([image] * 3, 'a', contact)

    (peak,) = grounder.ground(image, 'a', 1).peaks

    assert np.hypot(peak.u - mark[0], peak.v - mark[1]) < 12


def test_the_marked_contact_is_the_contact(grounder: ArrayGrounder) -> None:
    image = grounder.resize(panel(1))
    encoded = EncodedFrames.stack([(image, grounder.encode(image))])

    peak = grounder.contact(replace(encoded, contact=(0.25, 0.75)))

    assert np.hypot(peak.u - 47.5, peak.v - 95.5) < 12


def contact_map(*peaks: tuple[float, float, float]) -> np.ndarray:
    """Log-probability [60, 90] with a blob at each (x, y) in shares, of a height in nats."""
    rows, columns = (np.mgrid[:60, :90] + 0.5) / np.array([60, 90])[:, None, None]
    blobs = [
        height - ((columns - x) ** 2 + (rows - y) ** 2) / (2 * 0.02**2) for x, y, height in peaks
    ]
    return np.logaddexp.reduce(np.array(blobs), axis=0).astype(np.float32)


@pytest.mark.parametrize('mark', [(56, 88), (136, 40)])
def test_the_contact_that_was_read_is_found(
    grounder: ArrayGrounder, mark: tuple[int, int]
) -> None:
    image = grounder.resize(panel(0))
    there = (mark[0] + 0.5) / 192, (mark[1] + 0.5) / 128
    read = contact_map((*there, 0.0), (0.1, 0.1, -1.0))
    encoded = EncodedFrames.stack([(image, grounder.encode(image))] * 2)
    grounder.memorize(replace(encoded, contact_map=read), 'read', 2)

    (peak,) = grounder.ground(image, 'read', 1).peaks

    assert np.hypot(peak.u - mark[0], peak.v - mark[1]) < 12
    contact = grounder.contact(replace(encoded, contact_map=read))
    assert np.hypot(contact.u - mark[0], contact.v - mark[1]) < 3


def test_a_mark_counts_more_than_what_was_read(grounder: ArrayGrounder) -> None:
    image = grounder.resize(panel(0))
    encoded = EncodedFrames.stack([(image, grounder.encode(image))])
    both = replace(encoded, contact=(0.3, 0.7), contact_map=contact_map((0.8, 0.2, 0.0)))

    peak = grounder.contact(both)

    assert np.hypot(peak.u - 57.1, peak.v - 89.1) < 12


def test_of_two_candidates_only_the_likelier_one_is_kept() -> None:
    both, likelier = (
        read_contact(contact_map(*peaks), (16, 24))
        for peaks in (((0.2, 0.7, -0.3), (0.75, 0.3, 0.0)), ((0.75, 0.3, 0.0),))
    )

    kept = likelier > -20
    assert 1 <= kept.sum() <= 12
    np.testing.assert_allclose(both[kept], likelier[kept], atol=1e-4)
    assert (both[~kept] <= -20).all()


def test_the_prior_of_a_mirrored_demonstration_is_mirrored(grounder: ArrayGrounder) -> None:
    frames = [grounder.resize(panel(seed)) for seed in (3, 4, 5)]
    encoded, mirrored = (
        EncodedFrames.stack([(image, grounder.encode(image)) for image in shown])
        for shown in (frames, [np.ascontiguousarray(one[:, ::-1]) for one in frames])
    )

    matching = grounder.matching
    assert matching is not None
    prior, other = (
        matching.contact_prior(shown.images, shown.features.stages)
        for shown in (encoded, mirrored)
    )

    assert prior.shape == (16, 24)
    np.testing.assert_allclose(prior, other[:, ::-1], atol=1e-4)
    assert np.abs(prior - prior[:, ::-1]).max() > 1e-3


def test_a_contact_map_is_a_finite_map() -> None:
    image = panel(0)
    features = FrameFeatures(np.zeros((1, 4, 2, 3), np.float32))
    with pytest.raises(ValueError, match='the contact map is float64'):
        EncodedFrames(image[None], features, contact_map=np.zeros((3, 4)))
    with pytest.raises(ValueError, match='with a finite value'):
        EncodedFrames(image[None], features, contact_map=np.full((3, 4), -np.inf, np.float32))


def test_a_model_without_a_matching_network_takes_no_mark(tmp_path: Path) -> None:
    save_model(tmp_path / 'model', random_model(DECODER), {})
    grounder = ArrayGrounder.load(tmp_path / 'model', 'torch', 1)
    with pytest.raises(DemonstrationError, match='no matching network'):
        grounder.set_demonstration([panel(0)], 'a', (0.5, 0.5))
    assert grounder.demonstrations == ()


def test_a_mark_lies_in_the_frame(grounder: ArrayGrounder) -> None:
    with pytest.raises(ValueError, match=r'\(1.2, 0.5\); expected shares'):
        grounder.set_demonstration([panel(0)], 'b', (1.2, 0.5))
    assert 'b' not in grounder.demonstrations
