# SPDX-License-Identifier: Apache-2.0
"""The self-test lets a sound session pass and no other."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.golden_outputs import make_golden_outputs
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.self_test import (
    GOLDEN_OUTPUTS_FILE,
    GPU_TOLERANCES,
    TOLERANCES,
    GoldenOutputs,
    SelfTestError,
    self_test,
)
from afformer_core.runtime.session import Memory, Output
from afformer_core.runtime.sessions.onnx_session import OnnxSession
from afformer_core.runtime.sessions.torch_session import TorchSession


class BrokenSession(OnnxSession):
    """Gives a heatmap that one wrong kernel would."""

    def ground(self, image: np.ndarray, memory: Memory) -> Output:
        output = super().ground(image, memory)
        heatmap = output.heatmap_logits.copy()
        heatmap[0, : heatmap.shape[1] // 2] += self.error
        return output._replace(heatmap_logits=heatmap)

    error = 3.0


class ForgetfulSession(OnnxSession):
    """Grounds what it memorized last, whatever it is asked for."""

    def memorize(self, features: np.ndarray) -> Memory:
        self._last = super().memorize(features)
        return self._last

    def ground(self, image: np.ndarray, memory: Memory) -> Output:
        return super().ground(image, self._last)


class RecordingSession(OnnxSession):
    """Reads the memory that it captured last, as graphs do whose own memory was freed."""

    def ground(self, image: np.ndarray, memory: Memory) -> Output:
        self._captured = getattr(self, '_captured', {})
        if id(memory) not in self._captured:
            self._captured[id(memory)] = memory
            self._newest = memory
            return super().ground(image, memory)
        return super().ground(image, self._newest)


class StaleSession(OnnxSession):
    """Reads the first memory of each length for all of that length."""

    def ground(self, image: np.ndarray, memory: Memory) -> Output:
        self._first = getattr(self, '_first', {})
        first = self._first.setdefault(memory.keys[0].shape, memory)
        return super().ground(image, first)


class OverwrittenSession(OnnxSession):
    """What it grounds of frames is overwritten when others are encoded."""

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        self._turn = getattr(self, '_turn', 0) + 1
        return super().encode_frames(frames)

    def ground(self, image: np.ndarray, memory: Memory) -> Output:
        output = super().ground(image, memory)
        if self._turn == 1:
            return output
        return output._replace(heatmap_logits=output.heatmap_logits[:, ::-1])


@pytest.fixture
def golden(model_folder: Path) -> GoldenOutputs:
    return GoldenOutputs.read(model_folder)


def test_a_sound_session(model_folder: Path, golden: GoldenOutputs) -> None:
    assert 0 <= self_test(OnnxSession.load(model_folder), golden, 1e-4) <= 1e-4


@pytest.mark.parametrize(
    'kind', [ForgetfulSession, RecordingSession, StaleSession, OverwrittenSession]
)
def test_a_session_that_reads_another_memory(small_folder: Path, kind: type[OnnxSession]) -> None:
    # The random weights of a larger model tell demonstrations apart by less than the tolerance.
    with pytest.raises(SelfTestError, match=r'in (heatmaps|actions) is'):
        self_test(
            kind.load(small_folder), GoldenOutputs.read(small_folder), GPU_TOLERANCES['fp32']
        )


def test_the_shipped_model_tells_the_demonstrations_apart_in_any_precision(
    shipped_model: Path,
) -> None:
    configuration = read_description(shipped_model).configuration
    golden = make_golden_outputs(TorchSession.load(shipped_model), configuration)

    for one, other in itertools.combinations(golden.action_logits, 2):
        assert np.abs(one - other).max() > TOLERANCES['bf16'] * np.abs(other).max()


def test_the_demonstrations_of_the_golden_outputs(golden: GoldenOutputs) -> None:
    lengths = [len(clip) for clip in golden.clips]

    assert sorted(lengths) == [1, 2, 2, 32]
    assert len({tuple(golden.output(one).action_logits) for one in range(4)}) == 4


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'clips': ((0,),)}, 'there are 1 demonstrations, 4 heatmaps'),
        ({'clips': ((0,), (1,), (2,), (9,))}, r'demonstrations are \[9\]'),
        ({'clips': ((0,), (1,), (2,), ())}, 'at least one frame in each'),
    ],
)
def test_what_does_not_belong_together(
    golden: GoldenOutputs, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(golden, **changes)


@pytest.mark.parametrize('error', [3.0, float('nan'), float('inf')])
def test_a_wrong_heatmap(model_folder: Path, golden: GoldenOutputs, error: float) -> None:
    session = BrokenSession.load(model_folder)
    session.error = error

    with pytest.raises(SelfTestError, match=r'onnxruntime does not reproduce .* in heatmaps is'):
        self_test(session, golden, 1e-2)


def test_features_of_another_size(model_folder: Path, golden: GoldenOutputs) -> None:
    other = replace(golden, features=golden.features[:, 1:])

    with pytest.raises(SelfTestError, match='in frame features is inf'):
        self_test(OnnxSession.load(model_folder), other, 1.0)


def test_they_are_written_and_read(tmp_path: Path, golden: GoldenOutputs) -> None:
    golden.write(tmp_path)

    again = GoldenOutputs.read(tmp_path)

    assert again.frames.dtype == np.uint8
    assert again.clips == golden.clips
    np.testing.assert_array_equal(again.heatmap_logits, golden.heatmap_logits)


@pytest.mark.parametrize('content', [None, b'', b'nothing'])
def test_a_damaged_file(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / GOLDEN_OUTPUTS_FILE).write_bytes(content)

    with pytest.raises(ModelFolderError, match='Run: afformer export'):
        GoldenOutputs.read(tmp_path)


class KnownSession:
    """Gives what it is told."""

    backend = 'known'

    def __init__(self, features: list[float], heatmap: list[float], actions: list[float]) -> None:
        self._features = np.array(features, np.float32).reshape(1, -1, 1, 1)
        heatmap_logits = np.log(np.array(heatmap, np.float32)).reshape(1, 1, -1)
        self._output = Output(heatmap_logits, np.array(actions, np.float32), 2 * self._features[0])

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        return self._features

    def memorize(self, features: np.ndarray) -> Memory:
        return Memory((features,), (features,))

    def ground(self, image: np.ndarray, memory: Memory) -> Output:
        return self._output


EXPECTED = KnownSession([1, -4], [0.5, 0.25, 0.25], [3, -2])


@pytest.mark.parametrize(
    ('found', 'difference', 'where'),
    [
        (KnownSession([1, -4], [0.5, 0.25, 0.25], [3, -2]), 0.0, 'frame features'),
        # 1 of 4, of frame and image alike.
        (KnownSession([2, -4], [0.5, 0.25, 0.25], [3, -2]), 0.25, 'frame features'),
        (KnownSession([1, -4], [0.5, 0.25, 0.25], [3, -0.5]), 0.5, 'actions'),
        # A tenth of the probability lies elsewhere; a factor of all makes none.
        (KnownSession([1, -4], [0.4, 0.3, 0.3], [3, -2]), 0.1, 'heatmaps'),
        (KnownSession([1, -4], [5.0, 2.5, 2.5], [3, -2]), 0.0, 'frame features'),
        (KnownSession([1, -4], [0.5, 0.5], [3, -2]), np.inf, 'heatmaps'),
        (KnownSession([1, -4], [0.5, 0.25, 0.25], [np.nan, -2]), np.inf, 'actions'),
    ],
)
def test_the_largest_difference_is_given_and_named(
    found: KnownSession, difference: float, where: str
) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    golden = GoldenOutputs.of(EXPECTED, image[None], image, [(0,)])

    if difference < np.inf:
        assert self_test(found, golden, 1.0) == pytest.approx(difference, abs=1e-6)
    if difference > 0:
        with pytest.raises(
            SelfTestError, match=f'known does not reproduce .* difference in {where}'
        ):
            self_test(found, golden, min(difference, 1.0) - 1e-3)


def test_a_model_without_actions_differs_in_none() -> None:
    session = KnownSession([1], [1], [])
    image = np.zeros((8, 8, 3), np.uint8)

    golden = GoldenOutputs.of(session, image[None], image, [(0,)])
    assert self_test(session, golden, 0.0) == 0


def two_clips() -> GoldenOutputs:
    """Three frames of which the second demonstration has two."""
    frames = np.arange(3 * 8 * 8 * 3, dtype=np.uint16).astype(np.uint8).reshape(3, 8, 8, 3)
    return GoldenOutputs(
        frames,
        ((0,), (2, 1)),
        frames[0],
        np.arange(3, dtype=np.float32).reshape(3, 1, 1, 1),
        np.arange(8, dtype=np.float32).reshape(2, 1, 2, 2),
        np.arange(4, dtype=np.float32).reshape(2, 2),
        np.full((1, 1, 1), 9, np.float32),
    )


def test_demonstrations_are_read_back_one_by_one(tmp_path: Path) -> None:
    two_clips().write(tmp_path)
    again = GoldenOutputs.read(tmp_path)

    assert again.clips == ((0,), (2, 1))
    output = again.output(1)
    assert output.heatmap_logits.tolist() == [[[4, 5], [6, 7]]]
    assert output.action_logits.tolist() == [2, 3]
    assert output.image_features.tolist() == [[[9]]]


@pytest.mark.parametrize(
    'clips', [(), ((0,),), ((0,), (1,), (2,)), ((0,), ()), ((0,), (3,)), ((0,), (-1,))]
)
def test_demonstrations_that_cannot_be(clips: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match='demonstrations'):
        replace(two_clips(), clips=clips)
