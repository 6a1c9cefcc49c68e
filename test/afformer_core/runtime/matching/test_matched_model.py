# SPDX-License-Identifier: Apache-2.0
"""A model with a matching network: what is opened, grounded, exported, copied and refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_matching, afformer_small
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.backends import open_session
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.matching.exemplar_file import write_exemplars
from afformer_core.runtime.matching.exemplars import (
    Exemplars,
    describe_demonstration,
    describe_marks,
)
from afformer_core.runtime.matching.matched_session import MatchedSession
from afformer_core.runtime.matching.weighing import Matching
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    copy_matching,
    read_description,
    write_description,
)
from afformer_core.runtime.session import Memory, Output, Session
from afformer_core.runtime.weights import save_model

from ...conftest import ACTIONS, random_model

# As the exported model of the tests has it.
SMALL = replace(afformer_small(ACTIONS, (64, 96)), maximum_frames=32)
BESIDE = replace(afformer_matching((), (128, 192)), maximum_frames=32)


def describe(folder: Path, even_confidence: float) -> None:
    weights = read_description(folder / MATCHING_FOLDER).weights_sha256
    before = read_description(folder)
    write_description(folder, replace(before, matching=Matching(even_confidence, weights)))


@pytest.fixture(scope='module')
def exported(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a matching network and a zoom stage, and its exported graphs."""
    folder = tmp_path_factory.mktemp('matched') / 'model'
    shutil.copytree(small_folder, folder)
    save_model(folder / MATCHING_FOLDER, random_model(BESIDE), {})
    describe(folder, 0.5)
    before = read_description(folder)
    write_description(folder, replace(before, zoom_stages=(ZoomStage(1.5, 1.8),)))
    export_graphs(folder / MATCHING_FOLDER)
    return folder


@pytest.fixture
def matched(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / 'model'))


def random_images(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 10, 12, 3), np.uint8)
    return [each.repeat(16, axis=0).repeat(16, axis=1) for each in coarse]


def heatmap(folder: Path, backend: str = 'torch') -> np.ndarray:
    grounder = ArrayGrounder.load(folder, backend)
    *frames, image = random_images(5)
    grounder.set_demonstration(frames, 'a')
    return grounder.ground(image, 'a').probabilities


def test_the_weight_goes_from_the_matching_network_to_the_decoder(matched: Path) -> None:
    maps = {}
    for even in (1e-6, 0.5, 1 - 1e-6):
        describe(matched, even)
        maps[even] = heatmap(matched)

    write_description(matched, replace(read_description(matched), matching=None))
    alone = heatmap(matched)
    assert alone.shape == maps[0.5].shape == (64, 96)
    np.testing.assert_allclose(maps[1e-6], alone, rtol=0.05)
    assert np.abs(maps[1 - 1e-6] - alone).max() > 0.1 * alone.max()


def test_exported_graphs_ground_as_pytorch_does(exported: Path) -> None:
    expected = heatmap(exported)

    np.testing.assert_allclose(
        heatmap(exported, 'onnxruntime'), expected, atol=1e-4 * expected.max()
    )


def test_exported_graphs_recall_exemplars_as_pytorch_does(matched: Path) -> None:
    session = open_session(matched, 'torch', 1)
    assert isinstance(session, MatchedSession)
    *frames, image = random_images(5)
    encoded = session.encode_frames(
        np.stack([ArrayGrounder.load(matched).resize(f) for f in frames])
    )
    shown = describe_demonstration(session.features.split(encoded)[1], BESIDE)
    resized = ArrayGrounder.load(matched).resize(image)
    features = session.matching.encode_frames(resized[None])[0]
    marks, mean = describe_marks(features, np.array([[0.3, 0.8]]), BESIDE)
    before = heatmap(matched)
    write_exemplars(matched, Exemplars(shown[None], mean[None], marks, np.zeros(1, np.int32)))

    expected = heatmap(matched)

    assert np.abs(expected - before).max() > 0.5 * before.max()
    np.testing.assert_allclose(
        heatmap(matched, 'onnxruntime'), expected, atol=1e-3 * expected.max()
    )


def test_frames_have_twice_the_decoders_size_and_contacts_are_compared(exported: Path) -> None:
    grounder = ArrayGrounder.load(exported, 'torch')
    *frames, image = random_images(5)

    demonstration = grounder.set_demonstration(frames, 'a')
    grounding = grounder.ground(image, 'a')

    assert demonstration.frames.shape == (4, 128, 192, 3)
    assert len(demonstration.zoom_memories) == 1
    assert -1 <= grounding.feature_similarity <= 1
    assert grounder.fingerprint.endswith('192x128 32 frames')


def test_each_network_gets_the_same_memory_for_every_image(exported: Path) -> None:
    session = open_session(exported, 'torch', 1)
    assert isinstance(session, MatchedSession)
    frames = np.stack(random_images(4))[:, :128, :192]
    memory = session.memorize(session.encode_frames(frames))
    grounded: list[int] = []

    class Recorder:
        backend = 'test'

        def __init__(self, session: Session) -> None:
            self.encode_frames, self.memorize = session.encode_frames, session.memorize
            self._session = session

        def ground(self, image: np.ndarray, memory: Memory) -> Output:
            grounded.append(id(memory))
            return self._session.ground(image, memory)

    session.decoder, session.matching = Recorder(session.decoder), Recorder(session.matching)
    for image in frames[:2]:
        session.ground(image, memory)

    assert grounded[:2] == grounded[2:]
    assert len(set(grounded)) == 2


def test_where_matching_outweighs_the_decoder_there_is_no_zoom(matched: Path) -> None:
    describe(matched, 1 - 1e-6)
    zoomed = heatmap(matched)
    write_description(matched, replace(read_description(matched), zoom_stages=()))

    np.testing.assert_array_equal(zoomed, heatmap(matched))


def test_another_matching_network_than_described_is_refused(matched: Path) -> None:
    path = matched / MATCHING_FOLDER / 'model.json'
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields | {'weights_sha256': 'f' * 64}))

    with pytest.raises(ModelFolderError, match='has the weights ffffffffffff; expected'):
        ArrayGrounder.load(matched, 'torch')


def test_a_missing_matching_network_is_named(matched: Path) -> None:
    shutil.rmtree(matched / MATCHING_FOLDER)

    with pytest.raises(ModelFolderError, match=r'matching/model\.json does not exist'):
        ArrayGrounder.load(matched, 'torch')


def test_only_a_model_of_the_same_input_size_takes_it_over(exported: Path, tmp_path: Path) -> None:
    same, larger = tmp_path / 'same', tmp_path / 'larger'
    save_model(same, random_model(SMALL), {})
    save_model(larger, random_model(replace(SMALL, input_size=(96, 96))), {})

    for each in (same, larger):
        copy_matching(exported, each)

    assert read_description(same).matching == read_description(exported).matching
    assert heatmap(same).shape == (64, 96)
    assert read_description(larger).matching is None
    assert not (larger / MATCHING_FOLDER).exists()


def test_a_calibration_belongs_to_both_networks(matched: Path) -> None:
    before = read_description(matched)

    assert before.all_weights_sha256 != before.weights_sha256
    assert replace(before, matching=None).all_weights_sha256 == before.weights_sha256
