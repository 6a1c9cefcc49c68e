# SPDX-License-Identifier: Apache-2.0
"""The golden outputs of a folder: those that were exported, else those of the network."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from afformer_core.models import afformer_small, small_matching
from afformer_core.models.afformer import Afformer
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.runtime import backends
from afformer_core.runtime import golden_outputs as module
from afformer_core.runtime.backends import Candidate, open_networks
from afformer_core.runtime.golden_outputs import (
    golden_frames,
    golden_image,
    golden_outputs,
    golden_size,
)
from afformer_core.runtime.graphs import write_graph_listing
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.model_folder import MATCHING_FOLDER, read_description, read_matching
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.self_test import (
    GOLDEN_OUTPUTS_FILE,
    GPU_TOLERANCES,
    TOLERANCES,
    Differences,
    GoldenOutputs,
    SelfTestError,
    self_test,
)
from afformer_core.runtime.sessions.torch_session import (
    TorchMatchingSession,
    TorchSession,
    prepared_matching_network,
    prepared_model,
)


def test_those_of_the_export(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module, 'exact_networks')

    found = golden_outputs(small_folder)

    expected = GoldenOutputs.read(small_folder)
    assert np.array_equal(found.heatmap_logits, expected.heatmap_logits)


@pytest.mark.parametrize('missing', ['graphs.json', GOLDEN_OUTPUTS_FILE])
def test_those_of_the_network(copied_folder: Path, missing: str) -> None:
    expected = GoldenOutputs.read(copied_folder)
    (copied_folder / missing).unlink()

    found = golden_outputs(copied_folder)

    assert found.clips == expected.clips
    np.testing.assert_allclose(found.heatmap_logits, expected.heatmap_logits, atol=1e-5)


def test_those_of_a_model_with_a_matching_network_are_of_both(matched_folder: Path) -> None:
    both, alone = golden_outputs(matched_folder), golden_outputs(matched_folder, 'fp32', False)

    # The images are those of the matching network, which the decoder's heatmap shows, too.
    assert (both.size, alone.size) == ((128, 192), (64, 96))
    assert (both.heatmap_logits.shape, alone.heatmap_logits.shape) == (
        (4, 2, 64, 96),
        (4, 1, 64, 96),
    )
    decoded, matched = both.heatmap_logits.transpose(1, 0, 2, 3)
    assert np.abs(decoded - alone.heatmap_logits[:, 0]).max() < 0.1 * np.ptp(decoded)
    assert np.abs(matched - decoded).max() > 0.1


def test_images_have_a_cameras_aspect_if_the_network_keeps_it() -> None:
    matching = replace(small_matching((128, 192)), long_sides=(160, 256))

    assert golden_size(matching) == (192, 256)
    assert golden_size(replace(matching, long_sides=())) == (128, 192)
    assert golden_size(afformer_small((), (64, 96))) == (64, 96)


def test_those_of_both_networks_are_not_taken_for_one_alone(copied_folder: Path) -> None:
    ours = GoldenOutputs.read(copied_folder)
    twice = [np.repeat(np.repeat(one, 2, -3), 2, -2) for one in (ours.frames, ours.image)]
    replace(ours, frames=twice[0], image=twice[1]).write(copied_folder)
    write_graph_listing(copied_folder, read_description(copied_folder), 'fp32', 18)

    found = golden_outputs(copied_folder, 'fp32', with_matching=False)

    assert found.size == (64, 96)
    assert np.array_equal(found.image, ours.image)


def test_a_demonstration_moves_a_hand_that_the_image_lacks() -> None:
    frames, image = golden_frames((90, 120)), golden_image((90, 120))

    assert (frames.dtype, frames.shape, image.shape) == (np.uint8, (4, 90, 120, 3), (90, 120, 3))
    skin = np.abs(frames.astype(int) - (206, 150, 122)).max(axis=3) < 12
    assert not skin[0].any()
    middles = [np.argwhere(one)[:, 1].mean() for one in skin[1:]]
    assert middles[0] < middles[1] < middles[2]
    assert not (np.abs(image.astype(int) - (206, 150, 122)).max(axis=2) < 12).any()


Tests = list[tuple[Any, Any, Differences]]


@pytest.fixture
def tests(monkeypatch: pytest.MonkeyPatch) -> Tests:
    """The tests that are made of sessions; the decoder has fp16, the matching network fp32."""
    made: Tests = []

    def opened(folder: Path, chosen: Candidate, *rest: object) -> tuple[Any, str]:
        precision = 'fp32' if folder.name == 'matching' else 'fp16'
        return SimpleNamespace(backend=chosen.backend, folder=folder), precision

    def golden(folder: Path, precision: str, with_matching: bool) -> Any:
        return precision, with_matching

    def tested(session: Any, golden: Any, allowed: Differences, description: Any) -> Differences:
        made.append((session, golden, allowed))
        return Differences(0.125, 0.5, 0.25, 0.0625)

    monkeypatch.setattr(backends, '_open_network', opened)
    monkeypatch.setattr('afformer_core.runtime.golden_outputs.golden_outputs', golden)
    monkeypatch.setattr('afformer_core.runtime.self_test.self_test', tested)
    return made


@pytest.mark.parametrize('backend', ['torch-cuda', 'tensorrt'])
def test_both_networks_together(matched_folder: Path, tests: Tests, backend: str) -> None:
    lines: list[str] = []
    networks = open_networks(matched_folder, backend, 0, 'auto', lines.append)

    assert networks.matching is not None
    assert tests == [(networks, ('fp16', True), GPU_TOLERANCES['fp16'])]
    assert lines == [
        f'{backend} and the golden outputs: 0.12 of the heatmap lies elsewhere, the peak moves by '
        '0.5 pixels, an action score by 0.25 and presence by 0.062'
    ]


def test_the_decoder_alone(matched_folder: Path, tests: Tests) -> None:
    networks = open_networks(matched_folder, 'torch-cuda', 0, with_matching=False)

    assert tests == [(networks, ('fp16', False), GPU_TOLERANCES['fp16'])]


@pytest.mark.parametrize('backend', ['torch', 'onnxruntime'])
def test_nothing_on_a_cpu(matched_folder: Path, tests: Tests, backend: str) -> None:
    open_networks(matched_folder, backend, 0)

    assert tests == []


Break = Callable[[Any], None]


@pytest.fixture(scope='module')
def golden(shipped_model: Path) -> GoldenOutputs:
    return golden_outputs(shipped_model)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def differences(
    folder: Path, golden: GoldenOutputs, precision: str, change: dict[str, Break] | None = None
) -> Differences:
    """Test both networks in a precision, of which some were changed, by the name of the folder."""
    description = read_description(folder)
    beside = read_matching(folder, description)
    assert beside is not None
    assert description.matching is not None
    model = prepared_model(folder, precision)
    network = prepared_matching_network(folder / MATCHING_FOLDER, precision)
    with torch.no_grad():
        for name, changed in (('', model), (MATCHING_FOLDER, network)):
            (change or {}).get(name, lambda network: None)(changed)
    matching = Matching(TorchMatchingSession(network), beside.configuration, description.matching)
    networks = Networks(description.configuration, TorchSession(model), matching)
    return self_test(networks, golden, TOLERANCES[precision], description)


# PyTorch has no fast convolutions in fp16 for CPUs.
IN_FP16 = pytest.param('fp16', marks=[pytest.mark.slow, pytest.mark.timeout(900)])


@pytest.mark.parametrize('precision', ['bf16', IN_FP16])
def test_both_networks(shipped_model: Path, golden: GoldenOutputs, precision: str) -> None:
    found = differences(shipped_model, golden, precision)

    # It computes otherwise than in fp32, and noticeably so.
    assert found.heatmap > 1e-4


def off_by_3_percent(model: nn.Module) -> None:
    torch.manual_seed(3)
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.mul_(1 + 0.03 * torch.randn(weight.shape).to(weight.dtype))


def no_mean(model: Afformer | MatchingNetwork) -> None:
    model.encoder.mean.zero_()


def transposed(model: Afformer) -> None:
    weight = dict(model.named_parameters())['decoder.self2d_cross3d_block.cross_attn.proj.weight']
    weight.copy_(weight.T.clone())


@pytest.mark.slow
@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
@pytest.mark.parametrize(
    ('network', 'change'),
    [
        ('', off_by_3_percent),
        ('', no_mean),
        ('', transposed),
        (MATCHING_FOLDER, off_by_3_percent),
        (MATCHING_FOLDER, no_mean),
    ],
)
def test_networks_that_are_broken(
    shipped_model: Path, golden: GoldenOutputs, precision: str, network: str, change: Break
) -> None:
    with pytest.raises(SelfTestError, match='does not reproduce the golden outputs'):
        differences(shipped_model, golden, precision, {network: change})
