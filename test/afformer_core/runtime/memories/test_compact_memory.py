# SPDX-License-Identifier: Apache-2.0
"""A compact memory is expanded to what the session memorized."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from afformer_core.models.afformer import Afformer
from afformer_core.models.presets import afformer_small
from afformer_core.runtime.memories.compact_memory import CompactMemory
from afformer_core.runtime.session import Memory
from afformer_core.runtime.sessions.torch_session import TorchSession

OBLONG = replace(afformer_small(('press', 'hold'), (64, 96)), maximum_frames=3)


def _bytes(arrays: tuple[np.ndarray, ...]) -> int:
    return sum(array.nbytes for array in arrays)


def test_the_memory_of_a_model_is_expanded_to_itself_in_a_fraction_of_its_space() -> None:
    torch.manual_seed(3)
    session = TorchSession(Afformer(OBLONG).eval())
    frames = np.random.default_rng(4).integers(0, 256, (3, 64, 96, 3)).astype(np.uint8)
    memory = session.memorize(session.encode_frames(frames))

    compact = CompactMemory.of(memory, OBLONG.memory_sizes)
    expanded = compact.expanded()

    for whole, again in zip(
        memory.keys + memory.values, expanded.keys + expanded.values, strict=True
    ):
        assert again.dtype == np.float32
        np.testing.assert_allclose(again, whole, rtol=2**-11, atol=1e-7)
    # 3 and 2 frames of 96 positions, for 3 heads. 20 numbers of a key are left out, 32 stay.
    assert _bytes(memory.keys + memory.values) == 4 * 3 * (288 + 192) * 84
    assert _bytes(compact.keys + compact.values) == 2 * 3 * (288 + 192) * 64


def test_rows_and_columns_are_exact() -> None:
    keys = np.zeros((1, 6, 6), np.float32)
    keys[0, :, 1:3] = np.repeat(np.eye(2), 3, axis=0)
    keys[0, :, 3:] = np.tile(np.eye(3), (2, 1))
    keys[0, :, 0] = [0.5, -1.5, 2.0, 4.0, -8.0, 0.25]
    memory = Memory((keys,), (np.full((1, 6, 1), 3.0, np.float32),))

    expanded = CompactMemory.of(memory, [(2, 3)]).expanded()

    np.testing.assert_array_equal(expanded.keys[0], keys)


def test_keys_without_positions_are_kept_whole() -> None:
    keys = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    memory = Memory((keys,), (keys + 1,))

    compact = CompactMemory.of(memory, [(1, 1)])

    assert compact.sizes == (None,)
    np.testing.assert_array_equal(compact.expanded().keys[0], keys)


def test_numbers_beyond_half_precision_stay_in_single_precision() -> None:
    keys = np.array([[[70000.0, 1.0]]], np.float32)
    memory = Memory((keys,), (np.ones((1, 1, 2), np.float32),))

    compact = CompactMemory.of(memory, [(1, 1)])

    assert (compact.keys[0].dtype, compact.values[0].dtype) == (np.float32, np.float16)
    np.testing.assert_array_equal(compact.expanded().keys[0], keys)
