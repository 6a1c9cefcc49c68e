# SPDX-License-Identifier: Apache-2.0
"""The golden outputs of a folder: those that were exported, else those of the network."""

from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime import golden_outputs as module
from afformer_core.runtime.golden_outputs import golden_outputs
from afformer_core.runtime.self_test import GOLDEN_OUTPUTS_FILE, GoldenOutputs


def test_those_of_the_export(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module, 'TorchSession')

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


def test_those_of_other_weights_are_not_taken(copied_folder: Path) -> None:
    listing = copied_folder / 'graphs.json'
    expected = GoldenOutputs.read(copied_folder)
    wrong = GoldenOutputs(
        expected.frames, expected.clips, expected.image, expected.features,
        expected.heatmap_logits + 1, expected.action_logits, expected.image_features,
    )  # fmt: skip
    wrong.write(copied_folder)
    listing.write_text(listing.read_text().replace('"weights_sha256": "', '"weights_sha256": "0'))

    found = golden_outputs(copied_folder)

    np.testing.assert_allclose(found.heatmap_logits, expected.heatmap_logits, atol=1e-5)


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError):
        golden_outputs(tmp_path)
