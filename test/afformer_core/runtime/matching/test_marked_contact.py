# SPDX-License-Identifier: Apache-2.0
"""A marked contact: its descriptors, and where a model with random weights finds it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from afformer_core.errors import DemonstrationError
from afformer_core.models import afformer_matching, afformer_small
from afformer_core.models.matching.matcher import Matcher
from afformer_core.runtime import Grounder
from afformer_core.runtime.grounding import EncodedFrames
from afformer_core.runtime.matching.correspondence import compared_stages
from afformer_core.runtime.matching.marked_contact import describe_mark
from afformer_core.runtime.weights import save_model

from ...conftest import ACTIONS, random_model

CONFIGURATION = afformer_matching((), (128, 192))
DECODER = afformer_small(ACTIONS, (64, 96))


def test_a_mark_is_described_as_the_contact_head_would_if_it_were_sure() -> None:
    channels, scales = CONFIGURATION.frame_channels, CONFIGURATION.frame_scales
    packed = sum(width * scale**2 for width, scale in zip(channels, scales, strict=True))
    features = np.random.default_rng(0).normal(size=(packed, 4, 6)).astype(np.float32)
    rows, columns = np.mgrid[:16, :24]
    # Around column 18 and row 4, at 0.03 of the width and of the height.
    contact = -(((columns - 18) / 24) ** 2 + ((rows - 4) / 16) ** 2) / (2 * 0.03**2)
    stages = [torch.from_numpy(each)[None] for each in compared_stages(features, CONFIGURATION)]
    expected = Matcher(channels[:2]).describe(stages, torch.from_numpy(contact)[None].float())

    memory = describe_mark(features, (18.5 / 24, 4.5 / 16), CONFIGURATION)

    (keys,), (values,) = memory.keys, memory.values
    # The nearest position, those beside it, and the mean over the frame; others are as far apart.
    np.testing.assert_allclose(keys[0, :3], expected.features[0, 0, :3], atol=1e-5)
    np.testing.assert_allclose(keys[0, -1], expected.features[0, 0, -1], atol=1e-5)
    np.testing.assert_allclose(values, expected.weights[0], atol=1e-4)


@pytest.fixture(scope='module')
def grounder(matched_folder: Path) -> Grounder:
    return Grounder.load(matched_folder, 'torch', 1)


def panel(seed: int) -> np.ndarray:
    """An image of 192x128 in which every point looks like no other."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (192, 128), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize('mark', [(56, 88), (136, 40)])
def test_the_marked_point_is_found(grounder: Grounder, mark: tuple[int, int]) -> None:
    image = panel(0)
    contact = (mark[0] + 0.5) / 192, (mark[1] + 0.5) / 128
    grounder.set_demonstration([image] * 3, 'a', contact)

    (peak,) = grounder.ground(image, 'a', 1).peaks

    assert np.hypot(peak.u - mark[0], peak.v - mark[1]) < 12


def test_the_marked_contact_is_the_contact(grounder: Grounder) -> None:
    image = grounder.resize(panel(1))
    encoded = EncodedFrames.stack([(image, grounder.encode(image))])

    peak = grounder.contact(replace(encoded, contact=(0.25, 0.75)))

    assert np.hypot(peak.u - 47.5, peak.v - 95.5) < 12


def test_a_model_without_a_matching_network_takes_no_mark(tmp_path: Path) -> None:
    save_model(tmp_path / 'model', random_model(DECODER), {})
    grounder = Grounder.load(tmp_path / 'model', 'torch', 1)
    with pytest.raises(DemonstrationError, match='no matching network'):
        grounder.set_demonstration([panel(0)], 'a', (0.5, 0.5))
    assert grounder.demonstrations == ()


def test_a_mark_lies_in_the_frame(grounder: Grounder) -> None:
    with pytest.raises(ValueError, match=r'\(1.2, 0.5\); expected shares'):
        grounder.set_demonstration([panel(0)], 'b', (1.2, 0.5))
    assert grounder.recording is None
