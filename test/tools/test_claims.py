# SPDX-License-Identifier: Apache-2.0
"""Numbers of README and pages are those of the stored results, and agree between pages."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tools.claims import __main__ as command
from tools.claims.claims import (
    PageClaim,
    claimed_part,
    differences_between_pages,
    differences_from_recomputed,
    differences_from_stored,
    read_claims,
    stored_results,
)
from tools.claims.tables import cells

CLAIMS, RECIPES = read_claims()
PAGES = sorted({claim.page for claim in CLAIMS})
PROVENANCE = {'commit': 'ba9876543210+', 'machine': 'Xeon, 4 cores', 'date': '2026-12-01'}


@pytest.fixture
def pages(root: Path, tmp_path: Path) -> Path:
    """A copy of the pages, to change."""
    for page in PAGES:
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / page, tmp_path / page)
    return tmp_path


def change(pages: Path, page: str, before: str, after: str) -> None:
    """Replace a text that the page contains once."""
    text = (pages / page).read_text()
    assert text.count(before) == 1
    (pages / page).write_text(text.replace(before, after))


def test_the_pages_state_the_stored_results(root: Path) -> None:
    assert list(differences_from_stored(root, CLAIMS, stored_results())) == []


def test_the_pages_agree(root: Path) -> None:
    assert list(differences_between_pages(root, CLAIMS)) == []


def test_stored_results_name_their_commit_and_machine() -> None:
    for result in stored_results().values():
        assert re.fullmatch(r'[0-9a-f]{12}\+?', result['provenance']['commit'])
        assert 'cores' in result['provenance']['machine']


def test_every_number_of_the_accuracy_table_in_the_readme_is_a_claim(root: Path) -> None:
    text = (root / 'README.md').read_text().split('## Accuracy')[1].split('\n## ')[0]
    claimed = {claim.key for claim in CLAIMS if claim.page == 'README.md'}
    numbers = {(row, column) for row, column, cell in cells(text) if re.search(r'\d', cell)}
    assert len(numbers) == 19
    assert numbers - claimed == set()


@pytest.mark.parametrize(
    ('page', 'begin', 'end', 'count'),
    [
        ('README.md', '## Speed', '## Limits', 10),
        ('docs/performance/index.md', '## The network', '## Half an hour', 70),
    ],
)
def test_every_number_of_the_tables_of_speed_is_a_claim(
    root: Path, page: str, begin: str, end: str, count: int
) -> None:
    text = (root / page).read_text().split(f'{begin}\n')[1].split(end)[0]
    claims = {claim.key: claim.result for claim in CLAIMS if claim.page == page}
    numbers = [(row, column) for row, column, cell in cells(text) if re.search(r'\d', cell)]
    assert len(numbers) == count
    assert {claims.get(key) for key in numbers} <= {'speed', 'image_path'}


@pytest.mark.parametrize('page', ['README.md', 'docs/performance/index.md'])
def test_pages_state_the_machine_and_date_of_the_measured_speed(root: Path, page: str) -> None:
    for name in ('speed', 'image_path'):
        provenance = stored_results()[name]['provenance']
        processor, cores = provenance['machine'].rsplit(', ', 1)
        stated = f'{cores} of an {processor} (virtual machine, {provenance["date"]})'
        assert stated in (root / page).read_text().replace('\n', ' ')


@pytest.mark.parametrize(
    ('before', 'after'),
    [
        ('demonstrated part | **67 %** [58, 76]', 'demonstrated part | **68 %** [58, 76]'),
        ('demonstrated part | **67 %** [58, 76]', 'demonstrated part | **67 %** [59, 76]'),
        ('**88 %** [81, 94] | 14 %', '**88 %** [81, 94] | 13 %'),
        (
            '| ms per camera image, no zoom stages | 142 | 81 | **26** |',
            '| ms per camera image, no zoom stages | 142 | 81 | **33** |',
        ),
    ],
)
def test_a_wrong_number_in_the_readme_is_found(pages: Path, before: str, after: str) -> None:
    change(pages, 'README.md', before, after)
    found = list(differences_from_stored(pages, CLAIMS, stored_results()))
    assert len(found) == 1
    assert found[0].startswith('README.md: ')


def test_a_number_that_only_one_page_changes_is_found(pages: Path) -> None:
    change(pages, 'README.md', '**58 %** [45, 72]', '**61 %** [45, 72]')
    (found,) = differences_between_pages(pages, CLAIMS)
    assert "'61 % [45, 72]'" in found
    assert "'58 % [45, 72]'" in found


def test_a_recomputed_number_outside_its_interval_is_found(root: Path) -> None:
    stored = stored_results()['benchmark']
    claims = [c for c in CLAIMS if c.number == 'measures > predictors > model > inside']
    other = {'measures': {'predictors': {'model': {'inside': 0.57}}}}
    assert len(list(differences_from_recomputed(root, claims, 'benchmark', other))) == 3
    assert list(differences_from_recomputed(root, claims, 'benchmark', stored)) == []


def test_a_time_with_a_comma_in_a_table_of_a_report_is_compared(tmp_path: Path) -> None:
    rows = {
        'recomputing, T = 64': {'image_milliseconds': 8853.4},
        'PyTorch, T = 64': {'image_milliseconds': 1660.2},
    }
    report = {
        'provenance': PROVENANCE,
        'tables': [{'title': 'small', 'rows': {}}, {'title': 'ResNet-50', 'rows': rows}],
    }
    number = 'tables > ResNet-50 > rows > recomputing, T = 64 > image_milliseconds'
    claims = [PageClaim('page.md', '64 frames', 'ms', 'speed', number)]
    stored = {'speed': claimed_part(report, [number])}
    assert stored['speed']['tables'] == {
        'ResNet-50': {'rows': {'recomputing, T = 64': {'image_milliseconds': 8853.4}}}
    }
    for printed, differences in (('8,853', 0), ('8,854', 1), ('853', 1)):
        (tmp_path / 'page.md').write_text(f'| | ms |\n|---|---|\n| 64 frames | {printed} |\n')
        assert len(list(differences_from_stored(tmp_path, claims, stored))) == differences


def test_a_report_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, 'RESULTS', tmp_path)
    report = {
        'provenance': PROVENANCE,
        'measures': {'model': {'inside': 0.25, 'near': 0.75}},
    }
    claims = [
        PageClaim('page.md', 'a', 'b', 'speed', 'measures > model > near'),
        PageClaim('page.md', 'a', 'c', 'other', 'measures > model > inside'),
    ]
    command.store('speed', report, claims)
    stored = json.loads((tmp_path / 'speed.json').read_text())
    assert stored['measures'] == {'model': {'near': 0.75}}
    assert stored['provenance'] == {**PROVENANCE, 'data': {}}


def test_recipes_name_results_of_claims() -> None:
    assert set(RECIPES) <= {claim.result for claim in CLAIMS}


def test_what_is_stored_are_the_claimed_numbers_without_paths_of_the_machine() -> None:
    number = {'value': 0.25, 'low': 0.125, 'high': 0.5}
    result = {
        'facts': {'benchmark': '/home/somebody/data'},
        'measures': {'model': {'inside': number, 'near': 0.75}, 'centre': {'inside': 0.375}},
        'provenance': {
            'commit': '0123456789ab',
            'machine': 'EPYC, 2 cores',
            'date': '2026-11-30',
            'packages': {'torch': '2.13.0'},
            'data': {'/home/somebody/data/real/pairs.json': 'f00d'},
        },
    }

    stored = claimed_part(result, ['measures > model > inside', 'measures > centre > inside'])

    assert stored == {
        'provenance': {
            'commit': '0123456789ab',
            'machine': 'EPYC, 2 cores',
            'date': '2026-11-30',
            'data': {'real/pairs.json': 'f00d'},
        },
        'measures': {'model': {'inside': number}, 'centre': {'inside': 0.375}},
    }
