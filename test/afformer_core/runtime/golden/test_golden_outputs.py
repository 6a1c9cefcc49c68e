# SPDX-License-Identifier: Apache-2.0
"""The golden outputs of a folder: those that were exported, else those of the network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.models import afformer_small, small_matching
from afformer_core.runtime.golden import golden_outputs as module
from afformer_core.runtime.golden.golden_images import golden_frames, golden_image, golden_size
from afformer_core.runtime.golden.golden_outputs import golden_outputs
from afformer_core.runtime.graphs import write_graph_listing
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.self_test import GOLDEN_OUTPUTS_FILE, GoldenOutputs


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
