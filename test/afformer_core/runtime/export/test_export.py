# SPDX-License-Identifier: Apache-2.0
"""Files of an export, and models that are exported otherwise than most."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from afformer_core.models import afformer_small, small_matching
from afformer_core.runtime.export import export
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.graphs import Graphs, read_graphs
from afformer_core.runtime.session import Decoded, MatchingSession, Session
from afformer_core.runtime.sessions.onnx_session import OnnxMatchingSession, OnnxSession
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession, TorchSession
from afformer_core.runtime.weights import save_matching_network, save_model

from ...conftest import ACTIONS, random_matching_network, random_model
from ...models.test_variants import VARIANTS

Images = Callable[..., np.ndarray]
SLOW = pytest.mark.slow


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of single frames, exported; what it reads actions in are keys of whole frames."""
    folder = tmp_path_factory.mktemp('single')
    save_model(folder, random_model(SINGLE), {})
    export_graphs(folder)
    return folder


def ground(session: Session, image: np.ndarray, frames: np.ndarray) -> Decoded:
    memory = session.memorize(session.encode_frames(frames))
    return session.decode(session.encode_image(image), memory)


@pytest.fixture(scope='module')
def in_bf16(folder: Path) -> Graphs:
    """The same model in the precision that ONNX Runtime cannot run."""
    export_graphs(folder, 'bf16')
    return read_graphs(folder, 'bf16')


def test_graphs_in_half_precision_do_not_replace_those_in_fp32(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[Path] = []
    monkeypatch.setattr(export, '_export_model', lambda *_: None)
    monkeypatch.setattr(export, 'move_graphs', lambda aside, to, _: moved.append(to))
    export_graphs(folder, 'fp16')
    assert moved == [folder / 'fp16']


@pytest.mark.slow
@pytest.mark.parametrize('name', ['encode_frames', 'encode_image'])
def test_images_become_fp32_before_bf16_as_tensorrt_can_do_it(in_bf16: Graphs, name: str) -> None:
    graph = onnx.load(in_bf16.path(name)).graph
    (image,) = (
        one.name for one in graph.input if one.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    )

    takers = [node for node in graph.node if image in node.input]

    casts = [(node.op_type, node.attribute[0].i) for node in takers]
    assert casts == [('Cast', onnx.TensorProto.FLOAT)]


@pytest.mark.parametrize('name', ['encode_frames', 'encode_image', 'encode'])
def test_weights_stay_in_the_weights_file(shipped_model: Path, name: str) -> None:
    folder = shipped_model / 'matching' if name == 'encode' else shipped_model
    graph = onnx.load(read_graphs(folder).path(name), load_external_data=False).graph

    external = {
        entry.value
        for tensor in graph.initializer
        for entry in tensor.external_data
        if entry.key == 'location'
    }
    assert external == {'model.safetensors'}
    assert sum(len(tensor.raw_data) for tensor in graph.initializer) < 100_000


SINGLE = replace(afformer_small(ACTIONS, (64, 64)), maximum_frames=1, action_pooling='frames')
EXPORTED = {
    'without actions': replace(afformer_small((), (64, 64)), maximum_frames=5),
    'single frames': SINGLE,
    'all at once': replace(
        VARIANTS['three levels'], image_levels=('p5', 'p4', 'p4'),
        video_levels=('p5', 'p4', 'p3'), temporal_strides=(1, 2, 2), action_pooling='mean',
        decoder_blocks='per_step', input_projection='shared', video_projection='separate',
        residual='image',
    ),
    'means of squares': replace(VARIANTS['three levels'], spatial_strides=(2, 1, 4),
                                action_pooling='mean'),
    **{name: VARIANTS[name] for name in (
        'two video levels of an image level', 'half of the frames twice', 'lstm', 'conv_lstm',
        'attended_conv_lstm', 'image_only',
    )},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize('variant', EXPORTED)
def test_variants_are_exported_for_any_number_of_frames(
    variant: str, tmp_path: Path, images: Images
) -> None:
    configuration = EXPORTED[variant]
    save_model(tmp_path, random_model(configuration), {})
    export_graphs(tmp_path)

    sessions = OnnxSession(read_graphs(tmp_path)), TorchSession.load(tmp_path)
    for count in {1, min(3, configuration.maximum_frames), configuration.maximum_frames}:
        size = (*configuration.input_size, 3)
        frames, image = images(count, *size), images(*size)
        found, expected = (ground(session, image, frames) for session in sessions)
        np.testing.assert_allclose(found.heatmap_logits, expected.heatmap_logits, atol=1e-4)
        np.testing.assert_allclose(found.action_logits, expected.action_logits, atol=1e-4)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ('most', 'long_sides'),
    [pytest.param(1, (), marks=SLOW), pytest.param(5, (), marks=SLOW), (5, (64, 128))],
)
def test_a_matching_network_is_exported_for_any_frames(
    most: int, long_sides: tuple[int, ...], tmp_path: Path, images: Images
) -> None:
    """Any number of them, and any aspect where images are compared at their own."""
    configuration = replace(small_matching((64, 96)), maximum_frames=most, long_sides=long_sides)
    save_matching_network(tmp_path, random_matching_network(configuration), {})

    assert export_graphs(tmp_path).heatmap < 1e-4

    assert {path.name for path in tmp_path.glob('*.onnx')} == {'encode.onnx', 'find_contact.onnx'}
    sessions: list[MatchingSession] = [
        OnnxMatchingSession(read_graphs(tmp_path)), TorchMatchingSession.load(tmp_path)
    ]  # fmt: skip
    sizes = ((96, 128), (128, 96), (32, 128), (64, 64)) if long_sides else ((64, 96),)
    counts = {1} if long_sides else {1, most}
    for count, size in itertools.product(counts, sizes):
        frames = images(count, *size, 3)
        found, expected = (session.encode(frames) for session in sessions)
        for stage, exact in zip(found, expected, strict=True):
            np.testing.assert_allclose(stage, exact, atol=1e-4)
        if not long_sides:
            contacts = [session.find_contact(expected) for session in sessions]
            assert contacts[0].shape == (8, 12)
            assert np.exp(contacts[0]).sum() == pytest.approx(1, abs=1e-5)
            np.testing.assert_allclose(contacts[0], contacts[1], atol=1e-4)
