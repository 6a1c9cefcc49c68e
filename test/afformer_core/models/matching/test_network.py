# SPDX-License-Identifier: Apache-2.0
"""The matching network: its stages, its contact map, and the numbers of the shipped one."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from afformer_core.models import MatchingConfiguration, small_matching
from afformer_core.models.backbones.timm_body import timm_fields
from afformer_core.models.matching.network import Contact, ContactHead, MatchingNetwork
from afformer_core.runtime.weights import load_matching_network

from ...conftest import random_matching_network
from ..known_weights import random_images

SMALL = small_matching((64, 96))
CONFIGURATIONS = {
    'efficientnet_lite0': SMALL,
    'resnet50': replace(SMALL, backbone='resnet50', contact_channels=24),
    'timm': replace(SMALL, **timm_fields('timm:test_convnext', (64, 96)), contact_channels=24),
}
configurations = pytest.mark.parametrize(
    'configuration', CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys()
)
# A bias that all positions share has no gradient except rounding errors.
BEFORE_A_SOFTMAX = {
    f'contact.{layer}.bias' for layer in ('position', 'touching', 'first_coarse', 'first.3')
}


def stages_of(network: MatchingNetwork, frames: Tensor) -> list[Tensor]:
    """Stages of B demonstrations of T frames, coarse to fine."""
    return [stage.unflatten(0, frames.shape[:2]) for stage in network.encode(frames.flatten(0, 1))]


@configurations
def test_the_configuration_knows_the_shapes(configuration: MatchingConfiguration) -> None:
    network = random_matching_network(configuration)
    frames = random_images(2, 3, 64, 96, 3)

    stages = stages_of(network, frames)

    assert [tuple(stage.shape[2:]) for stage in stages] == [*configuration.stage_shapes]
    assert network.map_contact(stages).shape == (2, 8, 12)


def test_the_contact_map_is_a_log_probability() -> None:
    network = random_matching_network(SMALL)
    stages = stages_of(network, random_images(2, 3, 64, 96, 3))

    found = network.map_contact(stages)

    torch.testing.assert_close(found.exp().sum(dim=(1, 2)), torch.ones(2))
    logits = network.find_contact(stages).first
    assert found.flatten(1).argmax(dim=1).tolist() == logits.flatten(1).argmax(dim=1).tolist()


@configurations
def test_every_parameter_learns(configuration: MatchingConfiguration) -> None:
    network = random_matching_network(configuration).requires_grad_(True)
    contact = network.find_contact(stages_of(network, random_images(1, 5, 64, 96, 3)))
    total = contact.first.square().sum() + contact.frames.square().sum()
    (total + contact.in_contact.square().sum()).backward()

    silent = [
        name
        for name, each in network.named_parameters()
        if each.grad is None or not each.grad.any()
    ]
    assert set(silent) <= BEFORE_A_SOFTMAX


@torch.inference_mode()
def test_the_shipped_network_gives_the_numbers_that_it_always_gave(shipped_model: Path) -> None:
    network = load_matching_network(shipped_model / 'matching')
    noise = np.random.default_rng(7).integers(0, 256, (3, 12, 12, 3), np.uint8)
    frames = np.stack(
        [cv2.resize(each, (384, 384), interpolation=cv2.INTER_NEAREST) for each in noise]
    )

    stages = network.encode(torch.from_numpy(frames))
    (found,) = network.map_contact([stage[None] for stage in stages])

    positions = (0, 3, 2, 5), (1, 17, 4, 1), (2, 38, 7, 9)
    assert [[float(stage[position]) for position in positions] for stage in stages] == [
        pytest.approx([0.42867, 0.75666, -0.75787], abs=1e-3),
        pytest.approx([2.4922, 1.54449, 4.11423], abs=1e-3),
        pytest.approx([-4.42752, 11.85661, 4.50144], abs=1e-3),
    ]
    assert divmod(int(found.argmax()), found.shape[1]) == (17, 21)
    assert [float(found[position]) for position in ((3, 4), (20, 31), (41, 8))] == pytest.approx(
        [-8.57653, -8.13447, -8.78076], abs=1e-3
    )


CHANNELS = (40, 112, 320)


def head() -> ContactHead:
    torch.manual_seed(0)
    return ContactHead(CHANNELS, 64).eval()


def stages(batch: int, frames: int) -> list[Tensor]:
    rng = torch.Generator().manual_seed(3)
    sizes = zip(CHANNELS, ((16, 24), (8, 12), (4, 6)), strict=True)
    return [
        torch.randn((batch, frames, channels, *size), generator=rng) for channels, size in sizes
    ]


def found(frames: list[Tensor], missing: Tensor | None = None) -> Contact:
    with torch.no_grad():
        return head()(frames, missing)


def test_first_frame_is_drawn_on_the_finest_grid_and_each_frame_on_that_of_stride_16() -> None:
    contact = found(stages(2, 5))

    assert contact.first.shape == (2, 16, 24)
    assert contact.frames.shape == (2, 5, 8, 12)
    assert contact.in_contact.shape == (2, 5)


def test_frames_that_do_not_exist_change_nothing() -> None:
    whole = stages(1, 5)
    short = [each[:, :3] for each in whole]
    missing = torch.tensor([[False, False, False, True, True]])

    padded, alone = found(whole, missing), found(short)

    torch.testing.assert_close(padded.first, alone.first)
    torch.testing.assert_close(padded.in_contact[:, :3], alone.in_contact)


def test_a_later_frame_changes_what_is_found_in_the_first() -> None:
    frames = stages(1, 2)
    still = [each[:, :1].expand_as(each) for each in frames]

    assert not torch.allclose(found(frames).first, found(still).first)


def test_a_frame_is_read_against_the_first() -> None:
    frames, others = stages(1, 2), stages(2, 2)
    begun_otherwise = [
        torch.cat((other[1:, :1], each[:, 1:]), dim=1)
        for each, other in zip(frames, others, strict=True)
    ]

    assert not torch.allclose(found(frames).frames[:, 1], found(begun_otherwise).frames[:, 1])
