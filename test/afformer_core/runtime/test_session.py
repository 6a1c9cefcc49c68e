# SPDX-License-Identifier: Apache-2.0
"""One contract for every session: of both architectures on the CPU, and on a GPU or its double."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from opened_sessions import DOUBLES, ON_CPU, ON_GPU, RTX_DOUBLE, opened

from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.session import Session
from afformer_core.runtime.weights import load_model

TOLERANCES = {'torch': 1e-5, 'torch-cuda': 1e-3, 'tensorrt': 1e-3}
# A GPU may choose another kernel for another number of frames.
FEATURE_TOLERANCES = {'torch-cuda': 1e-4, 'tensorrt': 1e-4}
Images = Callable[..., np.ndarray]


@pytest.fixture(
    scope='module',
    params=[(name, 'small') for name in ON_CPU]
    + [
        pytest.param(one, marks=pytest.mark.slow)
        for one in (('torch', 'unexported_r50'), ('onnxruntime', 'r50'))
    ]
    + [(name, 'small') for name in (*DOUBLES, RTX_DOUBLE)]
    + [pytest.param((one.values[0], 'small'), marks=one.marks) for one in ON_GPU],
    ids=lambda case: ' of '.join(case),
)
def case(request: pytest.FixtureRequest) -> tuple[str, Path]:
    name, folder = request.param
    return name, request.getfixturevalue(f'{folder}_folder')


@pytest.fixture(scope='module')
def backend(case: tuple[str, Path]) -> str:
    return case[0]


@pytest.fixture(scope='module')
def model_folder(case: tuple[str, Path]) -> Path:
    return case[1]


@pytest.fixture(scope='module')
def session(backend: str, model_folder: Path) -> Iterator[Session]:
    with opened(backend, model_folder) as opened_session:
        yield opened_session.session


def probabilities(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=(-2, -1), keepdims=True))
    return powers / powers.sum(axis=(-2, -1), keepdims=True)


def test_names_its_backend(session: Session, backend: str) -> None:
    assert session.backend == backend.removesuffix(' double').removesuffix('_rtx')


def test_frames_are_encoded_alike_alone_and_together(
    session: Session, backend: str, model_folder: Path, images: Images
) -> None:
    tolerance = FEATURE_TOLERANCES.get(backend, 1e-5)
    configuration = read_description(model_folder).configuration
    frames = images(3, *configuration.input_size, 3)
    together = session.encode_frames(frames)

    assert together.dtype == np.float32
    assert together.shape == (3, configuration.feature_channels, *configuration.feature_size)
    for frame, features in zip(frames, together, strict=True):
        alone = session.encode_frames(frame[None])[0]
        assert np.abs(alone - features).max() < tolerance * np.abs(together).max()


@pytest.mark.parametrize('length', [1, 2, 5, 7, 31, 32])
def test_streaming_equals_one_forward_pass(
    session: Session, backend: str, model_folder: Path, images: Images, length: int
) -> None:
    model = load_model(model_folder)
    frames = images(length, *model.configuration.input_size, 3)
    image = images(*model.configuration.input_size, 3)
    with torch.no_grad():
        expected, expected_actions = model(
            torch.from_numpy(image)[None], torch.from_numpy(frames)[None]
        )

    features = np.concatenate([session.encode_frames(frame[None]) for frame in frames])
    encoded = session.encode_image(image)
    output = session.decode(encoded, session.memorize(features))

    target = probabilities(expected[0].numpy())
    difference = np.abs(probabilities(output.heatmap_logits) - target).max() / target.max()
    assert difference < TOLERANCES.get(backend, 1e-4)
    np.testing.assert_allclose(output.action_logits, expected_actions[0].numpy(), atol=1e-4)
    alone = session.encode_frames(image[None])[0]
    tolerance = FEATURE_TOLERANCES.get(backend, 1e-5) * np.abs(alone).max()
    np.testing.assert_allclose(encoded.features, alone, rtol=0, atol=tolerance)


def test_memory_survives_other_groundings(
    session: Session, model_folder: Path, images: Images
) -> None:
    size = read_description(model_folder).configuration.input_size
    features = session.encode_frames(images(4, *size, 3))
    memory = session.memorize(features)
    image = images(*size, 3)
    encoded = session.encode_image(image)
    before = session.decode(encoded, memory).heatmap_logits.copy()
    session.decode(session.encode_image(255 - image), session.memorize(features[:2]))

    # The first encoding is still that of the first image.
    again = session.decode(encoded, memory)
    encoded_again = session.decode(session.encode_image(image), memory)
    assert np.array_equal(again.heatmap_logits, before)
    assert np.array_equal(encoded_again.heatmap_logits, before)
