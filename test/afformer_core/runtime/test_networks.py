# SPDX-License-Identifier: Apache-2.0
"""A model with a matching network: what is opened, grounded, exported, copied and refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from afformer_core.arrays import FloatArray
from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_small, small_matching
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.calibrations import MatchingSettings
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.demonstration import CompactFeatures, DemonstrationMemory, EncodedFrames
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.matching.matcher import Match
from afformer_core.runtime.matching.matching import (
    Exemplars,
    describe_demonstration,
    describe_marks,
)
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    copy_matching,
    read_description,
    read_matching_description,
    write_description,
    write_exemplars,
)
from afformer_core.runtime.networks import EncodedImage, Networks, RecentMemories
from afformer_core.runtime.session import Memory
from afformer_core.runtime.shipped_model import shipped_model_folder
from afformer_core.runtime.weights import save_model

from ..conftest import ACTIONS, add_matching_network, random_model

ACTION_LOGITS = np.array([0.5, -1.0, 2.0], np.float32)
# As the exported model of the tests has it.
SMALL = replace(afformer_small(ACTIONS, (64, 96)), maximum_frames=32)
BESIDE = replace(small_matching((128, 192)), maximum_frames=32)


def describe(folder: Path, even_confidence: float) -> None:
    weights = read_matching_description(folder / MATCHING_FOLDER).weights_sha256
    before = read_description(folder)
    write_description(folder, replace(before, matching=MatchingSettings(even_confidence, weights)))


@pytest.fixture(scope='module')
def exported(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a matching network and a zoom stage, and its exported graphs."""
    folder = tmp_path_factory.mktemp('matched') / 'model'
    shutil.copytree(small_folder, folder)
    add_matching_network(folder, BESIDE, 0.5)
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


def memorized(networks: Networks, clip: np.ndarray) -> DemonstrationMemory:
    encoded = EncodedFrames(clip, networks.encode_frames(clip))
    return networks.memorize(encoded, networks.encode_image(clip[0]))


def heatmap(folder: Path, backend: str = 'torch') -> np.ndarray:
    grounder = ArrayGrounder.load(folder, backend)
    *frames, image = random_images(5)
    grounder.set_demonstration(frames, 'a')
    return grounder.ground(image, 'a').probabilities


def test_the_weight_goes_from_the_matching_network_to_the_decoder(matched: Path) -> None:
    maps = {}
    for even in (1e-6, 1 - 1e-6):
        describe(matched, even)
        maps[even] = heatmap(matched)

    write_description(matched, replace(read_description(matched), matching=None))
    alone = heatmap(matched)
    assert alone.shape == (64, 96)
    np.testing.assert_allclose(maps[1e-6], alone, rtol=0.05)
    assert not np.allclose(maps[1 - 1e-6], alone, rtol=0.5)


def test_exported_graphs_recall_exemplars_as_pytorch_does(matched: Path) -> None:
    networks, grounder = open_networks(matched, 'torch', 1), ArrayGrounder.load(matched)
    *frames, image = map(grounder.resize, random_images(5))
    shown = describe_demonstration(networks.encode_frames(np.stack(frames)).stages)
    marks, mean = describe_marks(networks.encode_image(image).pyramid, np.array([[0.3, 0.8]]))
    before = heatmap(matched)
    exported = heatmap(matched, 'onnxruntime')
    np.testing.assert_allclose(exported, before, atol=1e-4 * before.max())
    write_exemplars(matched, Exemplars(shown[None], mean[None], marks, np.zeros(1, np.int32)))

    expected = heatmap(matched)

    assert np.abs(expected - before).max() > 0.5 * before.max()
    np.testing.assert_allclose(
        heatmap(matched, 'onnxruntime'), expected, atol=1e-3 * expected.max()
    )


@pytest.mark.parametrize(
    ('decoder', 'compared', 'side'), [(96, (), 192), (96, (64, 256), 256), (320, (64, 256), 320)]
)
def test_frames_are_as_large_as_any_network_uses_them(
    decoder: int, compared: tuple[int, ...], side: int
) -> None:
    beside: Any = SimpleNamespace(configuration=replace(BESIDE, long_sides=compared))
    session: Any = SimpleNamespace(memorize=None)

    networks = Networks(replace(SMALL, input_size=(64, decoder)), session, beside)

    assert networks.frame_side == side
    assert replace(networks, matching=None).frame_side == decoder


def test_an_encoded_image_serves_several_demonstrations(exported: Path) -> None:
    networks = open_networks(exported, 'torch', 1)
    *frames, image = (image[:128, :192] for image in random_images(5))
    shown = [np.stack(frames), np.stack(frames[::-2])]
    memories = [memorized(networks, clip) for clip in shown]

    encoded = networks.encode_image(image)
    together = [networks.ground(encoded, memory) for memory in memories]

    alone = [networks.ground(networks.encode_image(image), memory) for memory in memories]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.heatmap_logits, other.heatmap_logits)
    assert np.abs(together[0].heatmap_logits - together[1].heatmap_logits).max() > 0.1


def test_memories_are_computed_again_only_after_those_of_many_others(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('afformer_core.runtime.networks._MEMORY_BYTES', 1)
    networks = open_networks(exported, 'torch', 1)
    computed: list[float] = []
    memorize = networks.decoder.memorize

    def recorded(features: FloatArray) -> Memory:
        computed.append(float(features.max()))
        return memorize(features)

    monkeypatch.setattr(networks.decoder, 'memorize', recorded)
    *frames, image = (image[:128, :192] for image in random_images(6))
    encoded = networks.encode_image(image)
    features = [networks.encode_frames(frame[None]).decoder for frame in frames]

    compact = [networks.memorize_features(one) for one in features[:4]]
    first = networks.decode(encoded.levels, compact[0]).heatmap_logits
    assert computed == pytest.approx([float(one.max()) for one in features[:4]], rel=1e-3)
    compact.append(networks.memorize_features(features[4]))
    # The fifth replaced the second, which was not grounded since it was memorized.
    again = networks.decode(encoded.levels, compact[0]).heatmap_logits
    assert len(computed) == 5
    second = networks.decode(encoded.levels, compact[1]).heatmap_logits

    assert computed[5:] == pytest.approx([float(features[1].max())], rel=1e-3)
    np.testing.assert_array_equal(again, first)
    expected = networks.decoder.decode(encoded.levels, memorize(compact[1].expanded()))
    np.testing.assert_array_equal(second, expected.heatmap_logits)


def test_where_matching_outweighs_the_decoder_there_is_no_zoom(matched: Path) -> None:
    describe(matched, 1 - 1e-6)
    zoomed = heatmap(matched)
    write_description(matched, replace(read_description(matched), zoom_stages=()))

    np.testing.assert_array_equal(zoomed, heatmap(matched))


def with_other_weights(folder: Path) -> None:
    path = folder / MATCHING_FOLDER / 'model.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | {'weights_sha256': 'f' * 64}))


@pytest.mark.parametrize(
    ('damage', 'reason'),
    [
        (with_other_weights, 'has the weights ffffffffffff; expected'),
        (
            lambda folder: shutil.rmtree(folder / MATCHING_FOLDER),
            r'matching/model\.json does not exist',
        ),
        (
            lambda folder: add_matching_network(folder, replace(BESIDE, maximum_frames=8), 0.5),
            'matching network is 8; expected 32, as the',
        ),
    ],
)
def test_a_matching_network_that_does_not_fit(
    matched: Path, damage: Callable[[Path], None], reason: str
) -> None:
    damage(matched)

    with pytest.raises(ModelFolderError, match=reason):
        ArrayGrounder.load(matched, 'torch')


def test_only_a_model_of_as_many_frames_takes_it_over(matched: Path, tmp_path: Path) -> None:
    same, shorter = tmp_path / 'same', tmp_path / 'shorter'
    save_model(same, random_model(replace(SMALL, input_size=(96, 96))), {})
    save_model(shorter, random_model(replace(SMALL, maximum_frames=8)), {})

    rows = np.ones((1, 432), np.float32)
    write_exemplars(matched, Exemplars(rows, rows, rows, np.zeros(1, np.int32)))
    for each in (same, shorter):
        copy_matching(matched, each)

    assert read_description(same).matching == read_description(matched).matching
    taken = ArrayGrounder.load(same, 'torch').matching
    assert taken is not None
    assert taken.exemplars is not None
    assert read_description(shorter).matching is None
    assert not (shorter / MATCHING_FOLDER).exists()


@pytest.mark.parametrize(
    ('similarity', 'weight', 'contact', 'returned', 'asked'),
    [
        # The matching network did not find the contact.
        (0.37, 0.0, 1.0, 1.0, True),
        # It did, and the decoder did not find it in the demonstration.
        (0.39, 0.04, 0.1, 0.0, False),
        # Both did, and the matching network is sure, or not.
        (0.39, 0.06, 0.8, 0.76, False),
        (0.39, 0.06, 0.8, 0.74, True),
        (0.39, 0.06, None, 1.0, True),
    ],
)
def test_the_decoder_is_asked_where_it_can_change_the_answer(
    exported: Path,
    similarity: float,
    weight: float,
    contact: float | None,
    returned: float,
    asked: bool,
) -> None:
    networks = open_networks(exported, 'torch', 1)
    *frames, image = random_images(3)
    clip = np.stack(frames)
    memory = memorized(networks, clip)
    logits = np.zeros((64, 96), np.float32)
    logits[8, 45] = 1.0

    def match_probability(pyramid: object, point: tuple[float, float]) -> float:
        assert point == (45.5 / 96, 8.5 / 64)
        return returned

    matching: Any = SimpleNamespace(
        match=lambda pyramid, size: Match(logits, similarity), match_probability=match_probability
    )
    memory = replace(
        memory,
        matching=matching,
        decoder_weight=weight,
        contact_probability=contact,
        action_logits=ACTION_LOGITS,
    )
    encoded = networks.encode_image(image)

    output = networks.ground(encoded, memory)

    assert ('levels' in encoded.__dict__) is asked
    assert (output.decoder_weight > 0) is asked
    assert output.similarity == similarity
    if not asked:
        np.testing.assert_array_equal(output.heatmap_logits, logits[None])
        # The actions are those of the demonstration itself.
        np.testing.assert_array_equal(output.action_logits, ACTION_LOGITS)


@pytest.mark.parametrize(('even_confidence', 'weight'), [(1 - 1e-6, 0), (1e-6, 1)])
def test_a_memory_has_the_weight_of_the_decoder_in_its_first_frame(
    matched: Path, even_confidence: float, weight: float
) -> None:
    describe(matched, even_confidence)
    networks = open_networks(matched, 'torch', 1)
    clip = np.stack(random_images(3))

    memory = memorized(networks, clip)

    shown = networks.ground(networks.encode_image(clip[0]), replace(memory, decoder_weight=1.0))
    assert memory.decoder_weight == pytest.approx(weight, abs=1e-3)
    np.testing.assert_allclose(memory.action_logits, shown.action_logits, atol=1e-6)


def test_an_image_is_encoded_for_a_network_when_it_is_needed(exported: Path) -> None:
    networks = open_networks(exported, 'torch', 1)
    assert networks.matching is not None
    matching = replace(networks.matching, configuration=replace(BESIDE, long_sides=(96, 160)))
    networks = replace(networks, matching=matching)
    (image,) = random_images(1)

    encoded = EncodedImage(image, networks)

    assert encoded.pyramid is encoded.pyramid
    assert [level.features.shape[1:] for level in encoded.pyramid] == [
        (2, 3), (4, 6), (4, 5), (8, 10)
    ]  # fmt: skip
    assert encoded.features is encoded.pyramid[1].features
    assert encoded.levels is encoded.levels
    alone = EncodedImage(image, replace(networks, matching=None))
    assert alone.pyramid == ()
    assert alone.features is alone.levels.features


def test_a_calibration_belongs_to_both_networks_but_not_to_exemplars(matched: Path) -> None:
    before = read_description(matched)
    assert before.matching is not None

    assert before.all_weights_sha256 != before.weights_sha256
    assert replace(before, matching=None).all_weights_sha256 == before.weights_sha256
    taught = replace(before, matching=replace(before.matching, exemplars_sha256='abc'))
    assert taught.all_weights_sha256 == before.all_weights_sha256


def test_features_are_expanded_to_themselves_from_half_the_space() -> None:
    features = np.random.default_rng(4).normal(0, 3, (3, 7, 2, 5)).astype(np.float32)

    compact = CompactFeatures.of(features)
    expanded = compact.expanded()

    assert compact.values.nbytes == 2 * 3 * 7 * 2 * 5
    assert expanded.dtype == np.float32
    np.testing.assert_allclose(expanded, features, rtol=2**-11, atol=1e-7)


def test_features_beyond_half_precision_are_copied_in_single_precision() -> None:
    features = np.array([[[[70000.0, 1.5]]]], np.float32)
    compact = CompactFeatures.of(features)

    features[:] = 0

    assert compact.values.dtype == np.float32
    assert compact.expanded().tolist() == [[[[70000.0, 1.5]]]]


class Counted:
    """A function that counts its calls, and an object that can be referred to weakly."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, source: Counted) -> str:
        self.calls += 1
        return f'copy {self.calls}'


def test_what_was_not_used_for_longest_goes() -> None:
    copy = Counted()
    copies = RecentMemories(copy, 2)
    first, second, third = Counted(), Counted(), Counted()
    assert [copies.of(source) for source in (first, second, first, third)] == [
        'copy 1',
        'copy 2',
        'copy 1',
        'copy 3',
    ]

    assert copies.of(first) == 'copy 1'
    assert copies.of(second) == 'copy 4'
    assert len(copies) == 2


# The first image of a demonstration differs, so that no two share anything.
LOAD_AND_GROUND = """
import json, sys
import numpy as np
from afformer_core.offline.parallel.measured_subprocess import peak_megabytes
from afformer_core.grounder import Grounder

grounder = Grounder.load(sys.argv[1], backend='onnxruntime', precision='fp32', threads=2)
rng = np.random.default_rng(3)
video = rng.integers(0, 256, (8, 48, 64, 3)).astype(np.uint8)
peaks = []
for number in range(100):
    video[0, :, :2] = number
    grounder.set_demonstration(video, str(number))
    grounder.ground(video[4], str(number))
    peaks.append(peak_megabytes())
print(json.dumps({'names': len(grounder.demonstrations), 'first': peaks[0], 'all': peaks[-1]}))
"""


@pytest.mark.slow
def test_a_hundred_demonstrations_of_the_shipped_model_stay_below_a_gigabyte() -> None:
    done = subprocess.run(
        [sys.executable, '-c', LOAD_AND_GROUND, str(shipped_model_folder())],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    measured = json.loads(done.stdout.splitlines()[-1])

    assert measured['names'] == 100
    # In MiB, of the 954 of a gigabyte. With a memory arena for each graph, the first takes 370.
    assert measured['first'] < 330
    # 3.8 for each of 99, and up to 60 of memories that are kept for the next image.
    assert measured['all'] - measured['first'] < 500
