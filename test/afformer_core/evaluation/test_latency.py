# SPDX-License-Identifier: Apache-2.0
import pytest

from afformer_core.errors import AfformerError
from afformer_core.evaluation.latency import measure_in_process
from afformer_core.evaluation.latency_tables import latency_table, random_model
from afformer_core.models import afformer_small
from afformer_core.runtime.weights import load_model


@pytest.fixture(scope='module')
def random_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('random')
    random_model(afformer_small(('press', 'hold'), (64, 64)), folder)
    return folder


def test_table_of_two_methods_with_the_same_heatmap(random_folder):
    table = latency_table(
        'Small', random_folder, (3, 9), 1, methods=('recompute', 'torch'), progress=False
    )
    assert list(table.rows) == ['recomputing everything, T = 3', 'afformer, PyTorch, T = 3']
    recompute, cached = (
        dict(zip(table.columns, cells, strict=True)) for cells in table.rows.values()
    )
    assert float(cached['difference']) < 1e-4
    assert recompute['ms / demonstration frame'] is None
    for column in ('ms / image', 'ms / demonstration frame', 'ms to memorize'):
        assert cached[column] > 0
    assert cached['times faster'] == pytest.approx(recompute['ms / image'] / cached['ms / image'])
    assert 50 < recompute['peak MB'] < 8000
    assert 'left out: T = 9.' in table.notes[-1]


def test_a_measurement_that_fails_says_why(tmp_path):
    with pytest.raises(AfformerError, match=r'measuring torch of .* ended with status 1: .*model'):
        measure_in_process(tmp_path / 'nowhere', 'torch', 1, 1, tmp_path / 'heatmap.npy')


def test_the_random_model_has_relative_positions_that_matter(random_folder):
    vectors = [v for name, v in load_model(random_folder).named_parameters() if 'rel_pos' in name]
    assert len(vectors) == 5
    assert all(float(vector.std()) > 0.05 for vector in vectors)
