# SPDX-License-Identifier: Apache-2.0
"""The self-test lets a sound session pass and no other."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_small
from afformer_core.runtime.calibrations import PresenceCalibration
from afformer_core.runtime.golden_outputs import exact_networks, make_golden_outputs
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import MATCHING_FOLDER, ModelDescription, read_description
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.self_test import (
    GOLDEN_OUTPUTS_FILE,
    TOLERANCES,
    Differences,
    GoldenOutputs,
    SelfTestError,
    self_test,
)
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory, Session, Stages
from afformer_core.runtime.sessions.onnx_session import OnnxSession
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession, TorchSession

ANYTHING = Differences(heatmap=2.0, peak=1e9, actions=2.0, presence=2.0)


class ForgetfulSession(OnnxSession):
    """Grounds what it memorized last, whatever it is asked for."""

    def memorize(self, features: np.ndarray) -> Memory:
        self._last = super().memorize(features)
        return self._last

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        return super().decode(image, self._last)


class StaleSession(OnnxSession):
    """Reads the first memory of each length for all of that length."""

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        self._first = getattr(self, '_first', {})
        first = self._first.setdefault(memory.keys[0].shape, memory)
        return super().decode(image, first)


class OverwrittenSession(OnnxSession):
    """What it grounds of frames is overwritten when others are encoded."""

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        self._turn = getattr(self, '_turn', 0) + 1
        return super().encode_frames(frames)

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        output = super().decode(image, memory)
        if self._turn == 1:
            return output
        return output._replace(heatmap_logits=output.heatmap_logits[:, ::-1])


def alone(session: Session, description: ModelDescription) -> Networks:
    """The networks of a model without a matching network."""
    return Networks(description.configuration, session)


@pytest.fixture
def golden(model_folder: Path) -> GoldenOutputs:
    return GoldenOutputs.read(model_folder)


def test_a_sound_session(model_folder: Path, golden: GoldenOutputs) -> None:
    session, description = OnnxSession(read_graphs(model_folder)), read_description(model_folder)

    differences = self_test(alone(session, description), golden, TOLERANCES['fp32'], description)

    assert 0 <= differences.heatmap < 1e-4


@pytest.mark.parametrize('kind', [ForgetfulSession, StaleSession, OverwrittenSession])
def test_a_session_that_reads_another_memory(small_folder: Path, kind: type[OnnxSession]) -> None:
    # Random weights tell demonstrations apart by less than is allowed on a GPU.
    golden, description = GoldenOutputs.read(small_folder), read_description(small_folder)

    session = kind(read_graphs(small_folder))
    with pytest.raises(SelfTestError, match=r'it differs in (heatmap|actions) by'):
        self_test(alone(session, description), golden, TOLERANCES['fp32'], description)


def test_the_shipped_model_tells_the_demonstrations_apart_in_any_precision(
    shipped_model: Path,
) -> None:
    description = read_description(shipped_model)
    golden = make_golden_outputs(alone(TorchSession.load(shipped_model), description))

    powers = np.exp(golden.heatmap_logits[:, 0], dtype=np.float64)
    heatmaps = powers / powers.sum(axis=(1, 2), keepdims=True)
    for one, other in itertools.combinations(heatmaps, 2):
        assert 0.5 * np.abs(one - other).sum() > TOLERANCES['bf16'].heatmap


def test_the_demonstrations_of_the_golden_outputs(golden: GoldenOutputs) -> None:
    lengths = [len(clip) for clip in golden.clips]

    assert sorted(lengths) == [1, 2, 2, 32]
    assert len({tuple(one) for one in golden.action_logits}) == 4


@pytest.mark.parametrize('content', [None, b'', b'nothing'])
def test_a_damaged_file(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / GOLDEN_OUTPUTS_FILE).write_bytes(content)

    with pytest.raises(ModelFolderError, match='Run: afformer export'):
        GoldenOutputs.read(tmp_path)


class KnownSession:
    """Gives what it is told: heatmaps of one row, scores of three actions, and features."""

    backend = 'known'

    def __init__(
        self,
        heatmap: list[float],
        scores: tuple[float, ...] = (0.5, 0.3, 0.2),
        feature: float = 1.0,
    ) -> None:
        self._image_features = np.array([feature, 1.0], np.float32).reshape(2, 1, 1)
        self._output = Decoded(
            np.log(np.array(heatmap, np.float32)).reshape(1, 1, -1),
            np.log(np.array(scores, np.float32)),
        )

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        return np.array([[1.0, 1.0], [3.0, -1.0]], np.float32).reshape(2, 2, 1, 1)[: len(frames)]

    def memorize(self, features: np.ndarray) -> Memory:
        return Memory((features, features), (features, features))

    def encode_image(self, image: np.ndarray) -> EncodedLevels:
        return EncodedLevels(image, (), self._image_features)

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        return self._output


KNOWN = ModelDescription(afformer_small(('press', 'hold', 'pull'), (64, 64)), '', {})
# Thirty pixels in a row: one peak at 5, and one at 20 that is not as good.
HEATMAP = [0.01] * 30
HEATMAP[5], HEATMAP[20] = 0.5, 0.22


def changed(values: dict[int, float]) -> list[float]:
    return [values.get(index, value) for index, value in enumerate(HEATMAP)]


def differences(
    found: KnownSession,
    expected: KnownSession | None = None,
    allowed: Differences = ANYTHING,
    description: ModelDescription = KNOWN,
) -> Differences:
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    golden = GoldenOutputs.of(
        alone(expected or KnownSession(HEATMAP), KNOWN), frames, frames[0], [(0, 1)]
    )
    return self_test(alone(found, description), golden, allowed, description)


def test_what_is_the_same_differs_in_nothing() -> None:
    assert differences(KnownSession(HEATMAP)) == Differences(0, 0, 0, 0)
    # A factor of all of a heatmap makes no difference.
    found = differences(KnownSession([3 * one for one in HEATMAP]))
    assert found.heatmap == pytest.approx(0, abs=1e-6)


def test_a_peak_that_moves_to_another_one_as_good_as_the_best() -> None:
    two = KnownSession(changed({5: 0.36, 20: 0.35}))
    other = KnownSession(changed({5: 0.35, 20: 0.36}))

    assert differences(other, two).peak < 0.1
    assert differences(KnownSession(changed({5: 0.2, 20: 0.5}))).peak == pytest.approx(15, abs=0.2)


def test_presence_is_compared_where_a_difference_matters_most() -> None:
    expected, found = KnownSession(HEATMAP), KnownSession(HEATMAP, feature=2.0)
    calibration = PresenceCalibration(0.5, 4.0, 30.0, 0.4, 0.9, 40, '', '')
    calibrated = replace(KNOWN, calibration=calibration)

    # The cosine falls from 1 to 0.7071, and so the odds by 4 times 0.2929; that both presences
    # are 1.0000 does not matter.
    by_calibration = differences(found, expected, description=calibrated)
    assert by_calibration.presence == pytest.approx(0.2848, abs=1e-3)
    # What is not calibrated counts a similarity 20 times.
    assert differences(found, expected).presence == pytest.approx(0.8983, abs=1e-3)


@pytest.mark.parametrize(
    ('found', 'message'),
    [
        (KnownSession(changed({5: 0.4, 20: 0.32})), r'heatmap by 0\.1 \(at most 0\.05\)'),
        (KnownSession(changed({5: 0.01, 9: 0.5})), r'peak by 4 \(at most 1\)'),
        # Of the scores, and not of the logits.
        (KnownSession(HEATMAP, (0.45, 0.33, 0.22)), r'actions by 0\.05 \(at most 0\.01\)'),
        (KnownSession(HEATMAP, (0.5, 0.5)), r'heatmap by inf .* presence by inf'),
        (KnownSession(HEATMAP[1:]), r'heatmap by inf'),
        (KnownSession(changed({7: np.nan})), r'heatmap by inf'),
        (KnownSession(changed({7: np.inf})), r'heatmap by inf'),
        (KnownSession(HEATMAP, (np.nan, 0.3, 0.2)), r'actions by inf'),
        (KnownSession(HEATMAP, feature=np.nan), r'presence by inf'),
    ],
)
def test_what_is_more_than_allowed_is_named(found: KnownSession, message: str) -> None:
    allowed = Differences(heatmap=0.05, peak=1.0, actions=0.01, presence=0.3)

    with pytest.raises(SelfTestError, match=f'known does not reproduce .* {message}'):
        differences(found, allowed=allowed)


def test_the_largest_differences_of_each_kind() -> None:
    one, other = Differences(0.3, 1.0, 0.2, 0.1), Differences(0.2, 4.0, 0.1, 0.5)

    assert Differences.largest([one, other]) == Differences(0.3, 4.0, 0.2, 0.5)
    assert other.beyond(Differences(0.2, 4.0, 0.1, 0.5)) == ''
    assert one.beyond(Differences(0.3, 0.5, 0.2, 0.05)) == (
        'peak by 1 (at most 0.5), presence by 0.1 (at most 0.05)'
    )
    assert 'actions' in Differences(0, 0, float('nan'), 0).beyond(ANYTHING)


def test_a_model_without_actions_differs_in_none() -> None:
    none = replace(KNOWN, configuration=replace(KNOWN.configuration, action_names=()))
    session = KnownSession(HEATMAP, ())
    frames = np.zeros((2, 8, 8, 3), np.uint8)

    golden = GoldenOutputs.of(alone(session, none), frames, frames[0], [(0,)])
    assert self_test(alone(session, none), golden, Differences(0, 0, 0, 0), none).actions == 0


def test_demonstrations_are_read_back_one_by_one(tmp_path: Path) -> None:
    frames = np.arange(3 * 8 * 8 * 3, dtype=np.uint16).astype(np.uint8).reshape(3, 8, 8, 3)
    written = GoldenOutputs(
        frames,
        # The second demonstration has two of the frames.
        ((0,), (2, 1)),
        frames[0],
        np.arange(8, dtype=np.float32).reshape(2, 1, 2, 2),
        np.arange(4, dtype=np.float32).reshape(2, 2),
        np.arange(4, dtype=np.float64).reshape(2, 2) / 16,
    )

    written.write(tmp_path)
    again = GoldenOutputs.read(tmp_path)

    assert again.clips == written.clips
    assert again.frames.dtype == again.image.dtype == np.uint8
    for name in ('frames', 'image', 'heatmap_logits', 'action_logits', 'presence_features'):
        np.testing.assert_array_equal(getattr(again, name), getattr(written, name))


class UndefinedSession(TorchMatchingSession):
    """Computes features, or a contact, of which a value is undefined."""

    def encode(self, images: np.ndarray) -> Stages:
        stages = super().encode(images)
        if self.stage < 2:
            stages[self.stage][-1, 3, 1, 0] = np.nan
        return stages

    def find_contact(self, stages: Stages) -> np.ndarray:
        return super().find_contact(stages) * (np.nan if self.stage == 2 else 1)

    stage = 0


@pytest.fixture(scope='module')
def of_both(matched_folder: Path) -> tuple[Networks, GoldenOutputs]:
    networks = exact_networks(matched_folder)
    return networks, make_golden_outputs(networks)


@pytest.mark.parametrize('stage', [0, 1, 2])
def test_undefined_values_of_a_matching_network(
    of_both: tuple[Networks, GoldenOutputs], matched_folder: Path, stage: int
) -> None:
    networks, golden = of_both
    session = UndefinedSession.load(matched_folder / MATCHING_FOLDER)
    session.stage = stage
    assert networks.matching is not None
    broken = replace(networks, matching=replace(networks.matching, session=session))
    description = read_description(matched_folder)

    assert self_test(networks, golden, TOLERANCES['fp32'], description).heatmap < 1e-6
    with pytest.raises(SelfTestError, match='it differs in heatmap by inf'):
        self_test(broken, golden, TOLERANCES['fp32'], description)
