# SPDX-License-Identifier: Apache-2.0
"""A decoder and a matching network, each over a backbone of timm, from their graphs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.models import afformer_small, small_matching
from afformer_core.models.backbones.timm_fields import timm_fields
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.model_folder import MATCHING_FOLDER
from afformer_core.runtime.weights import save_model

from ...conftest import ACTIONS, add_matching_network, random_model


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_both_ground_as_they_do_in_torch(tmp_path: Path) -> None:
    folder, beside = tmp_path / 'model', tmp_path / 'model' / MATCHING_FOLDER
    fields = timm_fields('timm:test_vit', (64, 64))
    fields_beside = timm_fields('timm:test_convnext', (128, 128))
    save_model(folder, random_model(replace(afformer_small(ACTIONS), **fields)), {})
    add_matching_network(folder, replace(small_matching(), **fields_beside), 0.5)
    assert max(export_graphs(each).heatmap for each in (folder, beside)) < 1e-4
    clip = np.random.default_rng(0).integers(0, 256, (5, 128, 128, 3), np.uint8)

    heatmaps = {}
    for backend in ('torch', 'onnxruntime'):
        grounder = ArrayGrounder.load(folder, backend)
        grounder.set_demonstration(clip[:4], 'press')
        heatmaps[backend] = grounder.ground(clip[4], 'press').heatmap

    assert open_networks(folder, 'onnxruntime', 1).matching is not None
    np.testing.assert_allclose(heatmaps['onnxruntime'], heatmaps['torch'], atol=1e-4)
