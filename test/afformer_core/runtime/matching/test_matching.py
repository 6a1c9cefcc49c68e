# SPDX-License-Identifier: Apache-2.0
"""Contacts that are marked, read or found, where a model finds them again, and exemplars."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DemonstrationError, ModelFolderError
from afformer_core.models import afformer_r50, afformer_small, small_matching
from afformer_core.runtime import ArrayGrounder, Grounding, Peak
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.matching.matcher import (
    ContactCandidate,
    ContactPositions,
    DescribedContact,
    FeatureMap,
    FeaturePyramid,
    ReadContact,
    feature_pyramid,
)
from afformer_core.runtime.matching.matching import (
    Exemplars,
    MatchingMemory,
    Recall,
    RecalledPair,
    compared_sizes,
    describe_demonstration,
    describe_marks,
    encode_pyramid,
)
from afformer_core.runtime.model_folder import EXEMPLARS_FILE, MATCHING_FOLDER, write_exemplars
from afformer_core.runtime.session import Stages
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession
from afformer_core.runtime.weights import save_model

from ...conftest import ACTIONS, add_matching_network, panel, random_model

CONFIGURATION = small_matching((128, 192))
FINE = CONFIGURATION.stage_shapes[1]
CHANNELS = sum(channels for channels, *_ in CONFIGURATION.stage_shapes[:2])


def at_angle(cosine: float) -> np.ndarray:
    """A vector of this cosine to the first axis."""
    vector = np.zeros(CHANNELS, np.float32)
    vector[0], vector[7] = 3 * cosine, 3 * np.sqrt(1 - cosine**2)
    return vector


def exemplars(*cosines: float) -> Exemplars:
    """Pairs whose demonstrations have these cosines to the first axis, with two marks each."""
    rng = np.random.default_rng(3)
    pairs = len(cosines)
    return Exemplars(
        np.stack([at_angle(each) for each in cosines]),
        rng.normal(size=(pairs, CHANNELS)).astype(np.float32),
        rng.normal(size=(2 * pairs, CHANNELS)).astype(np.float32),
        np.repeat(np.arange(pairs, dtype=np.int32), 2),
    )


def random_stages(seed: int) -> Stages:
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape).astype(np.float32) for shape in CONFIGURATION.stage_shapes)


def random_pyramid(seed: int) -> FeaturePyramid:
    return feature_pyramid([random_stages(seed)])


@pytest.mark.parametrize(
    ('cosine', 'share'), [(1.0, 0.99995), (0.55, 0.731), (0.5, 0.5), (0.4, 0.119)]
)
def test_the_more_alike_demonstrations_are_the_more_exemplars_weigh(
    cosine: float, share: float
) -> None:
    recall = exemplars(0.13, cosine).recall(at_angle(1.0))

    assert recall is not None
    assert recall.share == pytest.approx(share, abs=1e-3)


def test_of_an_unlike_demonstration_nothing_is_recalled() -> None:
    assert exemplars(0.25, -0.9).recall(at_angle(1.0)) is None
    assert exemplars(0.7).recall(np.zeros(CHANNELS, np.float32)) is None


def test_pairs_share_by_their_similarity() -> None:
    pairs = exemplars(0.3, 0.7, 0.65)
    recall = pairs.recall(at_angle(1.0))

    assert recall is not None
    first, second = recall.pairs
    assert first.share / second.share == pytest.approx(np.exp(20 * 0.05), rel=1e-3)
    np.testing.assert_array_equal(first.marks, pairs.marks[2:4])
    np.testing.assert_array_equal(second.mean, pairs.means[2])


def test_what_a_mark_looks_like_gains_its_share_of_the_heatmap() -> None:
    image = random_pyramid(4)
    # Column 4 of 6 and row 1 of 4, in the middle of the coarsest stage's cell.
    # The pair also has a mark in column 0 and row 2.
    marks, mean = describe_marks(image, np.array([[4.5 / 6, 1.5 / 4], [0.5 / 6, 2.5 / 4]]))
    recall = Recall((RecalledPair(0.7, mean, marks),))
    read = np.full((16, 24), -20.0, np.float32)
    read[13, 2] = 0.0

    joined = np.exp(recall.join(read, image))

    assert joined.sum() == pytest.approx(1, abs=1e-4)
    assert joined[13, 2] == pytest.approx(0.3, abs=0.01)
    # Around row 4 * 1.5 and column 4 * 4.5, half a pixel less.
    assert joined[3:9, 15:21].sum() == pytest.approx(0.35, abs=0.05)
    assert joined[7:13, 0:5].sum() == pytest.approx(0.35, abs=0.05)


def test_the_heatmap_of_a_mark_is_as_wide_as_that_of_an_annotation() -> None:
    # No position resembles another one.
    image = (FeatureMap(np.eye(35 * 59, dtype=np.float32).reshape(-1, 35, 59)),)
    marks, mean = describe_marks(image, np.array([[29.5 / 59, 17.5 / 35]]))
    recall = Recall((RecalledPair(1.0, mean, marks),))

    joined = np.exp(recall.join(np.zeros((70, 118), np.float32), image))

    rows, columns = np.mgrid[:70, :118]
    variance = (joined * ((rows - 34.5) ** 2 + (columns - 58.5) ** 2)).sum() / 2
    assert np.sqrt(variance) == pytest.approx(0.05 * np.sqrt(70 * 118), rel=0.03)


def test_a_point_is_right_by_the_share_of_the_contact_and_of_the_exemplars() -> None:
    image = random_pyramid(8)
    mark = (4.5 / 6, 1.5 / 4)
    marks, mean = describe_marks(image, np.array([mark]))
    positions = ContactPositions(np.array([[0.1, 0.9]]), np.zeros(1, np.float32))
    contact = DescribedContact.of(image, positions, (128, 192))
    memory = MatchingMemory(contact, Recall((RecalledPair(0.75, mean, marks),)))

    assert memory.recalled_share == 0.75
    assert MatchingMemory(contact).recalled_share == 0
    # The contact matches at itself, and the exemplar at its mark.
    assert MatchingMemory(contact).match_probability(image, mark) < 0.01
    assert memory.match_probability(image, mark) == pytest.approx(0.75, abs=0.05)
    assert memory.match_probability(image, (0.1, 0.9)) == pytest.approx(0.25, abs=0.05)
    assert memory.match_probability(image, (0.5, 0.5)) < 0.05


def test_the_probability_near_a_point_is_within_5_percent_of_the_diagonal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of a heatmap as sharp as it is before it gets the width of annotations.
    monkeypatch.setattr('afformer_core.runtime.matching.matching._MARK_SIGMA', 0.001)
    image = random_pyramid(9)
    mark = (4.5 / 6, 1.5 / 4)
    marks, mean = describe_marks(image, np.array([mark]))
    recall = Recall((RecalledPair(0.5, mean, marks),))

    # The finer map has cells of 16 pixels; 5 % of the diagonal of 128x192 pixels are 11.5.
    heatmap = np.exp(recall.join(np.zeros(FINE[1:], np.float32), image)) - 0.5 / 96
    heatmap /= heatmap.sum()

    for point, cells in ((mark, np.s_[2:4, 8:10]), ((9.5 / 12, 2.5 / 8), np.s_[2:3, 9:10])):
        expected = float(heatmap[cells].sum())
        assert expected > 0.1
        assert recall.probability_near(image, point) == pytest.approx(expected, abs=1e-4)


def test_a_demonstration_is_described_where_it_changes() -> None:
    first = random_stages(6)
    later = [stage.copy() for stage in first]
    for stage, scale in zip(later, (1, 2, 4), strict=True):
        # A hand over the cell in column 2 and row 3.
        stage[:, 3 * scale : 4 * scale, 2 * scale : 3 * scale] += 5.0

    described = describe_demonstration(
        tuple(np.stack(frames) for frames in zip(first, later, strict=True))
    )

    coarse, middle = first[0][:, 3:4, 2:3], first[1][:, 6:8, 4:6]
    expected = [
        hidden.mean(axis=(1, 2)) - stage.mean(axis=(1, 2))
        for hidden, stage in ((coarse, first[0]), (middle, first[1]))
    ]
    np.testing.assert_allclose(described, np.concatenate(expected), atol=1e-4)


def test_a_single_frame_resembles_nothing() -> None:
    described = describe_demonstration(tuple(stage[None] for stage in random_stages(7)))

    assert not described.any()
    assert exemplars(0.9).recall(described) is None


def clip(seed: int, column: int = 100) -> list[np.ndarray]:
    """A grey square that goes over a panel at a column."""
    frames = [panel(seed) for _ in range(3)]
    for number, frame in enumerate(frames[1:]):
        frame[30 : 70 + 10 * number, column : column + 50] = 128
    return frames


@pytest.fixture(scope='module')
def taught(matched_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that keeps what one pair marks: column 120 and row 40 of panel 1."""
    folder = Path(shutil.copytree(matched_folder, tmp_path_factory.mktemp('taught') / 'model'))
    session = TorchMatchingSession.load(folder / MATCHING_FOLDER)
    image = encode_pyramid(session, CONFIGURATION, panel(1))
    marks, mean = describe_marks(image, np.array([[120.5 / 192, 40.5 / 128]]))
    shown = describe_demonstration(session.encode(np.stack(clip(0))))
    owner = np.zeros(1, np.int32)
    write_exemplars(folder, Exemplars(shown[None], mean[None], marks, owner))
    return folder


def ground(folder: Path, frames: list[np.ndarray], image: np.ndarray) -> Grounding:
    grounder = ArrayGrounder.load(folder, 'torch', 1)
    grounder.set_demonstration(frames, 'shown')
    return grounder.ground(image, 'shown')


def test_the_peak_goes_to_what_was_marked_wherever_it_is(
    taught: Path, matched_folder: Path
) -> None:
    moved = np.roll(panel(1), -32, axis=1)
    before, after = (ground(each, clip(0), moved).peaks[0] for each in (matched_folder, taught))

    assert (after.u, after.v) == pytest.approx((120 - 32, 40), abs=10)
    assert np.hypot(before.u - (120 - 32), before.v - 40) > 30


def test_other_demonstrations_keep_their_heatmap_to_the_bit(
    taught: Path, matched_folder: Path
) -> None:
    before, after = (ground(each, clip(1, 10), panel(1)) for each in (matched_folder, taught))

    np.testing.assert_array_equal(after.probabilities, before.probabilities)


def test_a_contact_that_somebody_marked_is_not_overruled(
    taught: Path, matched_folder: Path
) -> None:
    found = []
    for folder in (matched_folder, taught):
        grounder = ArrayGrounder.load(folder, 'torch', 1)
        grounder.set_demonstration(clip(0), 'shown', contact=(0.8, 0.3))
        found.append(grounder.ground(panel(1), 'shown').probabilities)

    np.testing.assert_array_equal(found[1], found[0])


def test_a_changed_or_missing_file_is_refused(taught: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(taught, tmp_path / 'model'))
    path = folder / EXEMPLARS_FILE
    path.write_bytes(path.read_bytes() + b' ')
    with pytest.raises(ModelFolderError, match=r'the sha256 of .*exemplars\.safetensors is'):
        ArrayGrounder.load(folder, 'torch')

    path.unlink()
    with pytest.raises(ModelFolderError, match=r'the sha256 of .*exemplars\.safetensors is'):
        ArrayGrounder.load(folder, 'torch')


def test_exemplars_of_another_network_are_refused(taught: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(taught, tmp_path / 'model'))
    path = folder / MATCHING_FOLDER / 'model.json'
    fields = json.loads(path.read_text())
    fields['architecture']['long_sides'] = [96, 128]
    path.write_text(json.dumps(fields))

    with pytest.raises(ModelFolderError, match='have 432 channels; expected 864, as the matching'):
        ArrayGrounder.load(folder, 'torch')


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
