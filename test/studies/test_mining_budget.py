# SPDX-License-Identifier: Apache-2.0
"""The budget of mining, computed from round numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from studies.mining_budget.__main__ import PAGE, SETTINGS, main, with_budget
from studies.mining_budget.settings import Budget, read_budget
from studies.mining_budget.tables import budget_text, mining_table, stage_table, storage_table

ROUND = """
videos: {hours: 1000, files: 10, rate: 30, examined_rate: 5, gigabytes_an_hour: 4.194304,
  clips_an_hour: 100}
codecs: {a: {share: 0.75, decoded: 90}, b: {share: 0.25, decoded: 30}}
detectors: {slow: {examined: 10}, fast: {examined: 500, device: gpu, assumed: true}}
trainings:
  few: {clips: 36000, frames: 4, side: 100, interactions: 2, width: 200, height: 150,
    cached_clips: 2, steps: 7200, step_seconds: 0.5}
  many: {clips: 18000, frames: 40, side: 100, interactions: 0, width: 200, height: 150,
    cached_clips: 0.25, steps: 1800, step_seconds: 3, device: gpu, assumed: true}
stored: {index_kilobytes_an_hour: 1000, part_kilobytes: 20, part_minutes: 2}
cluster: {cores: 100, gpus: 1, used: 0.5}
prices: {currency: EUR, core_hour: 0.1, gpu_hour: 2, gigabyte_month: 0.5, gigabyte_moved: 0.01,
  million_requests: 3}
"""


@pytest.fixture
def content() -> Any:
    return yaml.safe_load(ROUND)


def test_hours_are_frames_by_rates(content: Any) -> None:
    table = stage_table(Budget.of(content))

    assert dict(table.rows) == {
        'decoding, a': ['750 h of video', '90 frames / s', '250', None],
        'decoding, b': ['250 h of video', '30 frames / s', '250', None],
        'detection, slow': ['18 M frames', '10 frames / s', '500', None],
        'detection, fast': ['18 M frames', '500 frames / s (assumed)', None, '10'],
        'reading and caching clips, few': ['36,000 clips', '2.00 clips / s', '5.0', None],
        'training, few': ['7,200 steps', '0.50 core-seconds a step', '1.0', None],
        'reading and caching clips, many': [
            '18,000 clips',
            '0.25 clips / s (assumed)',
            '20',
            None,
        ],
        'training, many': ['1,800 steps', '3.00 GPU-seconds a step (assumed)', None, '1.5'],
    }


def test_a_cluster_decodes_and_detects_at_once_and_is_paid_while_it_waits(content: Any) -> None:
    table = mining_table(Budget.of(content))

    assert table.columns[2] == 'days on 100 cores and 1 GPUs'
    # 1,000 core-hours at half of the time, on 100 cores.
    assert table.rows['slow'] == ['2,000', '-', '0.8', '200']
    assert table.rows['fast (assumed)'] == ['1,000', '20', '0.8', '140']


def test_sizes_and_transfers(content: Any) -> None:
    table = storage_table(Budget.of(content))

    assert dict(table.rows) == {
        'videos, 10 files': ['4,194', '2,097', None],
        'results of 30,000 parts': ['0.6', '0', None],
        'index of 100,000 clips': ['1.0', '0', None],
        # 3 bytes for each of 4 x 100 x 100 + 2 x 200 x 150 pixels, and of 40 x 100 x 100.
        'cache of 36,000 clips, few': ['11', '5', None],
        'cache of 18,000 clips, many': ['22', '11', None],
        'reading all once, 1 M requests': ['4,194', None, '45'],
    }


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        (lambda one: one['videos'].pop('hours'), "videos has no 'hours'"),
        (lambda one: one['videos'].update(days=3), "videos has an unknown field 'days'"),
        (lambda one: one['prices'].update(core_hour=-1), 'core_hour of prices is -1'),
        (lambda one: one['trainings']['few'].update(steps=-1), 'steps of few is -1'),
        (lambda one: one['trainings']['few'].update(cached_clips=0), 'cached_clips of few is 0'),
        (
            lambda one: one['trainings']['many'].update(device='tpu'),
            "device is 'tpu'; expected core",
        ),
        (lambda one: one['codecs']['a'].update(share=0.5), 'have the sum 0.75; expected 1'),
        (
            lambda one: one['detectors']['slow'].update(device='tpu'),
            "device is 'tpu'; expected core",
        ),
        (lambda one: one.pop('cluster'), "the file has no 'cluster'"),
        (lambda one: one.update(videos=3), 'videos is 3; expected fields'),
    ],
)
def test_a_wrong_file_is_an_error(
    content: Any, change: Callable[[Any], Any], expected: str
) -> None:
    change(content)

    with pytest.raises(ValueError, match=expected):
        Budget.of(content)


def test_the_page_shows_what_the_settings_give() -> None:
    page = PAGE.read_text(encoding='utf-8')

    assert with_budget(page, budget_text(read_budget(SETTINGS))) == page


def test_a_page_without_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match=r'the page has the marks \[\]; expected <!-- budget'):
        with_budget('# Hours\n', '')


def test_a_file_of_ones_own_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / 'my.yaml').write_text(ROUND)

    assert main([str(tmp_path / 'my.yaml')]) == 0

    assert '| decoding, a' in capsys.readouterr().out
