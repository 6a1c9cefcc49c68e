# SPDX-License-Identifier: Apache-2.0
"""A node is measured from outside, and a failure says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.offline.benchmarks.inference_variants import InferenceVariant
from afformer_core.offline.benchmarks.latency_tables import node_latency_table


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_it_measures_the_node(random_model: Path) -> None:
    variants = (InferenceVariant.parse('recompute:fp32'), InferenceVariant.parse('torch:fp32'))
    table = node_latency_table('noise', random_model, 1, variants, {}, 2.0)

    assert table.title == 'noise, in the node'
    ((label, row),) = table.to_json()['rows'].items()
    assert label == 'afformer, PyTorch, CPU fp32'
    assert 1 < row['images_per_second'] < 31
    assert 0 < row['ground_p50'] < row['milliseconds'] < 1000
    assert row['milliseconds'] <= row['p95_milliseconds']


def test_a_method_that_fails_is_a_row(tmp_path: Path) -> None:
    variants = (InferenceVariant.parse('torch:fp32'), InferenceVariant.parse('torch-cuda:fp16'))
    table = node_latency_table('noise', tmp_path, 1, variants, {variants[1]: 'no GPU'}, 3.0)

    failed, impossible = (row['images_per_second'] for row in table.to_json()['rows'].values())
    assert failed.startswith(f'cannot: {tmp_path}/model.json does not exist')
    assert impossible == 'cannot: no GPU'
