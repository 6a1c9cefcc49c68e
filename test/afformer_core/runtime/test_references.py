# SPDX-License-Identifier: Apache-2.0
"""The self-test lets a sound session pass and no other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.onnx_session import OnnxSession
from afformer_core.runtime.references import (
    REFERENCES_FILE,
    References,
    SelfTestError,
    self_test,
)
from afformer_core.runtime.session import Memory, Output


class BrokenSession(OnnxSession):
    """Gives a heatmap that one wrong kernel would."""

    def ground(self, image: np.ndarray, memory: Memory) -> Output:
        output = super().ground(image, memory)
        heatmap = output.heatmap_logits.copy()
        heatmap[0, : heatmap.shape[1] // 2] += self.error
        return output._replace(heatmap_logits=heatmap)

    error = 3.0


@pytest.fixture
def references(model_folder: Path) -> References:
    return References.read(model_folder)


def test_a_sound_session(model_folder: Path, references: References) -> None:
    assert 0 <= self_test(OnnxSession.load(model_folder), references, 1e-4) <= 1e-4


@pytest.mark.parametrize('error', [3.0, float('nan'), float('inf')])
def test_a_wrong_heatmap(model_folder: Path, references: References, error: float) -> None:
    session = BrokenSession.load(model_folder)
    session.error = error

    with pytest.raises(SelfTestError, match=r'onnxruntime does not give .* in heatmaps is'):
        self_test(session, references, 1e-2)


def test_features_of_another_size(model_folder: Path, references: References) -> None:
    other = replace(references, features=references.features[:, 1:])

    with pytest.raises(SelfTestError, match='in frame features is inf'):
        self_test(OnnxSession.load(model_folder), other, 1.0)


def test_they_are_written_and_read(tmp_path: Path, references: References) -> None:
    references.write(tmp_path)

    again = References.read(tmp_path)

    assert again.frames.dtype == np.uint8
    np.testing.assert_array_equal(again.heatmap_logits, references.heatmap_logits)


@pytest.mark.parametrize('content', [None, b'', b'nothing'])
def test_a_damaged_file(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / REFERENCES_FILE).write_bytes(content)

    with pytest.raises(ModelFolderError, match='run: afformer export'):
        References.read(tmp_path)
