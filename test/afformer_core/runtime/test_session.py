# SPDX-License-Identifier: Apache-2.0
"""One contract for every session that is installed, on both architectures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.onnx_session import OnnxSession
from afformer_core.runtime.session import Session
from afformer_core.runtime.torch_session import TorchSession
from afformer_core.runtime.weights import load_model

SESSIONS = {'torch': (TorchSession, 1e-5), 'onnxruntime': (OnnxSession, 1e-4)}
Pictures = Callable[..., np.ndarray]


@pytest.fixture(params=sorted(SESSIONS))
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def session(backend: str, model_folder: Path) -> Session:
    return SESSIONS[backend][0].load(model_folder)


def probabilities(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=(-2, -1), keepdims=True))
    return powers / powers.sum(axis=(-2, -1), keepdims=True)


def test_names_its_backend(session: Session, backend: str) -> None:
    assert session.backend == backend


def test_frames_are_encoded_alike_alone_and_together(
    session: Session, model_folder: Path, pictures: Pictures
) -> None:
    configuration = read_description(model_folder).configuration
    frames = pictures(3, *configuration.input_size, 3)
    together = session.encode_frames(frames)

    assert together.dtype == np.float32
    assert together.shape == (3, configuration.feature_channels, *configuration.feature_size)
    for frame, features in zip(frames, together, strict=True):
        alone = session.encode_frames(frame[None])[0]
        assert np.abs(alone - features).max() < 1e-5 * np.abs(together).max()


@pytest.mark.parametrize('length', [1, 2, 5, 7, 31, 32])
def test_streaming_equals_one_forward_pass(
    session: Session, backend: str, model_folder: Path, pictures: Pictures, length: int
) -> None:
    model = load_model(model_folder)
    frames = pictures(length, *model.configuration.input_size, 3)
    image = pictures(*model.configuration.input_size, 3)
    with torch.no_grad():
        wanted, wanted_actions = model(
            torch.from_numpy(image)[None], torch.from_numpy(frames)[None]
        )

    features = np.concatenate([session.encode_frames(frame[None]) for frame in frames])
    found, found_actions, found_features = session.ground(image, session.memorize(features))

    truth = probabilities(wanted[0].numpy())
    difference = np.abs(probabilities(found) - truth).max() / truth.max()
    assert difference < SESSIONS[backend][1]
    np.testing.assert_allclose(found_actions, wanted_actions[0].numpy(), atol=1e-4)
    alone = session.encode_frames(image[None])[0]
    np.testing.assert_allclose(found_features, alone, atol=1e-5 * np.abs(alone).max())


def test_memory_survives_other_groundings(
    session: Session, model_folder: Path, pictures: Pictures
) -> None:
    size = read_description(model_folder).configuration.input_size
    features = session.encode_frames(pictures(4, *size, 3))
    memory = session.memorize(features)
    image = pictures(*size, 3)
    before = session.ground(image, memory)[0].copy()
    session.ground(255 - image, session.memorize(features[:2]))

    assert np.array_equal(session.ground(image, memory)[0], before)
