# SPDX-License-Identifier: Apache-2.0
"""Contacts that are marked, read or found, and the points at which a model finds them again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DemonstrationError
from afformer_core.models import afformer_r50, afformer_small, small_matching
from afformer_core.runtime import ArrayGrounder, Peak
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.matching.contact import ContactCandidate, ReadContact
from afformer_core.runtime.matching.exemplars import Recall, RecalledPair, describe_marks
from afformer_core.runtime.matching.matching import compared_sizes
from afformer_core.runtime.weights import save_model

from ...conftest import ACTIONS, add_matching_network, panel, random_model

# The middle of a cell of the finer stage, in pixels of 192x128.
MARKS = [(56, 88), (136, 40)]


@pytest.fixture(scope='module', params=[(), (128, 192)], ids=['one scale', 'two scales'])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a heatmap for each action, whose matching network decides alone."""
    folder = tmp_path_factory.mktemp('matched')
    save_model(folder, random_model(afformer_r50(ACTIONS, (64, 64))), {})
    beside = replace(small_matching((128, 192)), maximum_frames=32, long_sides=request.param)
    add_matching_network(folder, beside, 1 - 1e-6)
    return folder


@pytest.fixture(scope='module')
def grounder(folder: Path) -> ArrayGrounder:
    return ArrayGrounder.load(folder, 'torch', 1)


def encoded(grounder: ArrayGrounder, *images: np.ndarray) -> EncodedFrames:
    return EncodedFrames.stack([(image, grounder.encode(image)) for image in images])


def shares(pixel: tuple[float, float]) -> tuple[float, float]:
    return (pixel[0] + 0.5) / 192, (pixel[1] + 0.5) / 128


def is_near(peak: Peak, pixel: tuple[float, float]) -> bool:
    return float(np.hypot(peak.u - pixel[0], peak.v - pixel[1])) < 8


@pytest.mark.parametrize('mark', [*MARKS, (-0.5, 127.5), (191.5, -0.5)])
def test_the_marked_point_is_found(grounder: ArrayGrounder, mark: tuple[float, float]) -> None:
    shown = grounder.set_demonstration([panel(0)], 'a', shares(mark))

    grounding = grounder.ground(panel(0), 'a', 1)

    assert is_near(grounding.peaks[0], mark)
    assert (shown.contact_probability, grounding.contact_probability) == (1, 1)
    # The heatmaps of all actions are the same.
    logits = grounder.output(panel(0), 'a').heatmap_logits
    assert logits.shape == (3, 64, 64)
    assert (logits == logits[0]).all()


@pytest.mark.parametrize('mark', MARKS)
def test_the_contact_that_was_read_is_found(
    grounder: ArrayGrounder, mark: tuple[int, int]
) -> None:
    candidates = ContactCandidate(*shares(mark), 0.8), ContactCandidate(0.1, 0.1, 0.2)
    rows, columns = (np.mgrid[:64, :96] + 0.5) / np.array([64, 96])[:, None, None]
    blobs = [-((columns - each.x) ** 2 + (rows - each.y) ** 2) / 0.0008 for each in candidates]
    read = ReadContact(np.logaddexp(*blobs).astype(np.float32), candidates)
    frames = replace(encoded(grounder, panel(0), panel(0)), read_contact=read)

    shown = grounder.memorize(frames, 'read', 2)

    assert is_near(grounder.ground(panel(0), 'read', 1).peaks[0], mark)
    assert grounder.contact(frames) == shown.contacts[0]
    first, second = shown.contacts
    assert (first.u, first.v, first.score) == pytest.approx((*mark, 0.8))
    assert (second.u, second.v, second.score) == pytest.approx((18.7, 12.3, 0.2))
    assert shown.contact_probability == 0.8


def test_a_mark_counts_more_than_what_was_read(grounder: ArrayGrounder) -> None:
    read = ReadContact(np.zeros((16, 24), np.float32), (ContactCandidate(0.8, 0.2, 1.0),))
    both = replace(encoded(grounder, panel(0)), contact=(0.25, 0.75), read_contact=read)

    assert grounder.contact(both) == Peak(47.5, 95.5, 1)


def test_exemplars_count_as_a_right_contact(
    grounder: ArrayGrounder, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ReadContact(np.zeros((16, 24), np.float32), (ContactCandidate(0.8, 0.2, 0.6),))
    frames = replace(encoded(grounder, panel(0)), read_contact=read)
    matching = grounder.matching
    assert matching is not None
    memory = matching.memorize(matching.pyramid(panel(0)), (128, 192), frames.features.stages)
    marks, mean = describe_marks(matching.pyramid(panel(1)), np.array([[0.3, 0.7]]))
    recalled = replace(memory, recall=Recall((RecalledPair(0.25, mean, marks),)))
    monkeypatch.setattr(type(matching), 'memorize', lambda *_: recalled)

    # 0.25 + 0.75 * 0.6.
    assert grounder.memorize(frames, 'b', 1).contact_probability == pytest.approx(0.7)


@pytest.mark.parametrize('size', [(1, 1), (5, 9), (3, 400), (200, 2)])
def test_images_and_frames_of_any_size_are_grounded(
    grounder: ArrayGrounder, size: tuple[int, int]
) -> None:
    image = np.random.default_rng(2).integers(0, 256, (*size, 3), np.uint8)
    grounder.set_demonstration([image], 'tiny', (0.5, 0.5))

    for shown in (image, panel(3)):
        grounding = grounder.ground(shown, 'tiny', 2)
        assert grounding.heatmap.shape == shown.shape[:2]
        assert grounding.heatmap.sum() == pytest.approx(1, abs=1e-3)
        assert grounding.match_probability is not None
        assert 0 <= grounding.match_probability <= 1


def test_the_prior_of_a_mirrored_demonstration_is_mirrored(grounder: ArrayGrounder) -> None:
    frames = [panel(seed) for seed in (3, 4, 5)]
    mirrored = [np.ascontiguousarray(one[:, ::-1]) for one in frames]

    matching = grounder.matching
    assert matching is not None
    prior, other = (
        matching.contact_prior(shown.images, shown.features.stages)
        for shown in (encoded(grounder, *each) for each in (frames, mirrored))
    )

    assert prior.shape == (16, 24)
    np.testing.assert_allclose(prior, other[:, ::-1], atol=1e-4)
    assert np.abs(prior - prior[:, ::-1]).max() > 1e-3


def test_a_model_without_a_matching_network_takes_no_mark(tmp_path: Path) -> None:
    save_model(tmp_path / 'model', random_model(afformer_small(ACTIONS, (64, 96))), {})
    grounder = ArrayGrounder.load(tmp_path / 'model', 'torch', 1)
    with pytest.raises(DemonstrationError, match='no matching network'):
        grounder.set_demonstration([panel(0)], 'a', (0.5, 0.5))
    assert grounder.demonstrations == ()


def test_a_mark_lies_in_the_frame(grounder: ArrayGrounder) -> None:
    with pytest.raises(ValueError, match=r'\(1.2, 0.5\); expected shares'):
        grounder.set_demonstration([panel(0)], 'outside', (1.2, 0.5))
    assert 'outside' not in grounder.demonstrations


@pytest.mark.parametrize(
    ('image', 'long_sides', 'sizes'),
    [
        ((480, 640), (96, 160), ((64, 96), (128, 160))),
        ((640, 480), (96, 160), ((96, 64), (160, 128))),
        ((300, 300), (96, 160), ((96, 96), (160, 160))),
        ((3, 2), (96, 160), ((96, 64), (160, 96))),
        ((1, 900), (96, 160), ((32, 96), (32, 160))),
        ((480, 640), (), ((64, 96),)),
    ],
)
def test_images_are_compared_at_their_own_aspect(
    image: tuple[int, int], long_sides: tuple[int, ...], sizes: tuple[tuple[int, int], ...]
) -> None:
    configuration = replace(small_matching((64, 96)), long_sides=long_sides)
    assert compared_sizes(configuration, image) == sizes
