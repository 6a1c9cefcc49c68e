# SPDX-License-Identifier: Apache-2.0
"""Numbers of README and pages are those of the stored results."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from tools.claims import __main__ as command
from tools.claims.claims import (
    PageClaim,
    ResultRecipe,
    TextClaim,
    differences_from_recomputed,
    differences_from_stored,
    look_up,
    read_claims,
    stored_results,
)
from tools.claims.tables import NUMBER, cells, plain

CLAIMS, RECIPES = read_claims()
FIGURE = rf'{NUMBER}(?: %)? \[{NUMBER}, {NUMBER}\]'
PROVENANCE = {'commit': 'ba9876543210+', 'machine': 'Xeon, 4 cores', 'date': '2026-12-01'}


def test_the_pages_state_the_stored_results(root: Path) -> None:
    assert list(differences_from_stored(root, CLAIMS, stored_results())) == []


def test_each_claimed_result_is_stored_and_has_a_recipe() -> None:
    claimed = {claim.result for claim in CLAIMS}
    assert claimed == set(stored_results())
    # Times are those of one machine; no command measures how often actions are known, or the use
    # of motion; and pairs are unseen once.
    once = {'speed', 'image_path', 'actions', 'motion_use', 'unseen_pairs'}
    assert set(RECIPES) == claimed - once


def test_each_number_of_each_claim_is_compared(root: Path, tmp_path: Path) -> None:
    stored = stored_results()
    for claim in CLAIMS:
        cell = claim.cell(root)
        for found in re.finditer(NUMBER, cell):
            number = found[0].replace(',', '')
            decimals = len(number.partition('.')[2])
            other = f'{float(number) + 3 * 10.0**-decimals:,.{decimals}f}'
            changed = cell[: found.start()] + other + cell[found.end() :]
            (tmp_path / 'page.md').write_text(changed)
            wrong = TextClaim('page.md', '{}', 0, claim.result, claim.number)
            assert list(differences_from_stored(tmp_path, [wrong], stored)), (str(claim), changed)


def test_a_figure_on_several_pages_is_a_claim_on_each(root: Path) -> None:
    """Then all of them follow the stored result; those of one page need not."""
    pages = [root / 'README.md', *(root / 'docs').rglob('*.md')]
    pages += (root / 'afformer_core/weights').rglob('MODEL_CARD.md')
    # Its tables are written by the workflow of the studies.
    pages.remove(root / 'docs' / 'research' / 'studies.md')
    stated = {
        (str(page.relative_to(root)), figure)
        for page in pages
        for figure in re.findall(FIGURE, ' '.join(plain(page.read_text()).split()))
    }
    repeated = Counter(figure for _, figure in stated)
    claimed = {(claim.page, claim.cell(root)) for claim in CLAIMS}
    assert sorted(one for one in stated - claimed if repeated[one[1]] > 1) == []


@pytest.mark.parametrize(
    ('page', 'begin', 'end', 'count'),
    [
        ('README.md', '## Accuracy', '## Speed', 15),
        ('README.md', '## Speed', '## Limits', 10),
        (
            'docs/models/accuracy.md',
            '# Accuracy of the shipped model',
            '## Teaching a few pairs',
            52,
        ),
        ('docs/performance/index.md', '## The network', '## Half an hour', 64),
    ],
)
def test_every_number_of_the_tables_is_a_claim(
    root: Path, page: str, begin: str, end: str, count: int
) -> None:
    text = (root / page).read_text().split(f'{begin}\n')[1].split(end)[0]
    stated = [c for c in CLAIMS if isinstance(c, PageClaim) and c.page == page]
    claimed = {(claim.row, claim.column) for claim in stated}
    numbers = [(row, column) for row, column, cell in cells(text) if re.search(r'\d', cell)]
    assert len(numbers) == count
    assert set(numbers) <= claimed


@pytest.mark.parametrize('page', ['README.md', 'docs/performance/index.md'])
def test_pages_state_the_machine_and_date_of_the_measured_speed(root: Path, page: str) -> None:
    for name in ('speed', 'image_path'):
        provenance = stored_results()[name]['provenance']
        processor, cores = provenance['machine'].rsplit(', ', 1)
        processor = processor.replace('(R)', '').removesuffix(' Processor')
        stated = f'{cores} of an {processor} (virtual machine, {provenance["date"]})'
        assert stated in (root / page).read_text().replace('\n', ' ')


def test_a_recomputed_number_outside_its_interval_is_found(root: Path) -> None:
    stored = stored_results()['real_pairs']
    claims = [c for c in CLAIMS if c.number == 'measures > predictors > model > inside']
    other = {'measures': {'predictors': {'model': {'inside': 0.57}}}}
    assert (
        len(claims)
        == len(list(differences_from_recomputed(root, claims, 'real_pairs', other)))
        == 2
    )
    assert list(differences_from_recomputed(root, claims, 'real_pairs', stored)) == []


def test_a_recomputed_count_may_differ_and_a_recomputed_share_may_not(tmp_path: Path) -> None:
    (tmp_path / 'page.md').write_text('It operates 26 elements, by chance 28 %.')
    claims = [
        TextClaim('page.md', 'It operates {} elements, by chance {}.', position, 'robot', number)
        for position, number in enumerate(('done', 'chance'))
    ]
    for chance, wrong in ((0.284, 0), (0.286, 1)):
        result = {'done': 27, 'chance': chance}
        assert len(list(differences_from_recomputed(tmp_path, claims, 'robot', result))) == wrong


def test_a_result_is_recomputed_where_its_data_is_or_where_it_needs_none_and_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, 'ROOT', tmp_path)
    program = 'import json, sys; json.dump(sys.argv[2:], open(sys.argv[1], "w"))'
    words = (sys.executable, '-c', program, '{output}')
    without = ResultRecipe(words, 'SIMULATOR')
    reading = ResultRecipe((*words, '{data}'), 'REAL_PAIRS')
    for name in ('SIMULATOR', 'REAL_PAIRS'):
        monkeypatch.delenv(name, raising=False)
    assert [command.recompute('robot', each) for each in (without, reading)] == [None, None]
    monkeypatch.setenv('SIMULATOR', '1')
    monkeypatch.setenv('REAL_PAIRS', str(tmp_path / 'absent'))
    assert [command.recompute('robot', each) for each in (without, reading)] == [[], None]
    monkeypatch.setenv('REAL_PAIRS', str(tmp_path))
    assert command.recompute('real', reading) == [str(tmp_path)]


def test_numbers_of_the_text_are_compared(tmp_path: Path) -> None:
    words = 'It answers {} of the pairs, {} of them right'
    result = {'answers': {'value': 0.322, 'low': 0.25, 'high': 0.4375}, 'wrong': 0.1875}
    claims = [
        TextClaim('page.md', words, position, 'real', number)
        for position, number in enumerate(('answers', '1 - wrong'))
    ]
    for printed, wrong in (
        ('32 % [25, 44] of the [pairs](a.md), **81 %**', []),
        ('33 % [25, 44] of the pairs, 81 %', ['33 % [25, 44]']),
        ('32 % [25, 45] of the\npairs, 79 %', ['32 % [25, 45]', '79 %']),
        # Bounds are both stated or none.
        ('32 % [25] of the pairs, 81 %', ['32 % [25]']),
    ):
        (tmp_path / 'page.md').write_text(f'It answers {printed} of them right.')
        found = list(differences_from_stored(tmp_path, claims, {'real': result}))
        assert len(found) == len(wrong)
        assert all(repr(cell) in told for cell, told in zip(wrong, found, strict=True))


@pytest.mark.parametrize('page', ['It answers 5 of 6. It answers 5 of 6.', 'It answered 5 of 6.'])
def test_words_that_a_page_does_not_have_once_are_an_error(tmp_path: Path, page: str) -> None:
    (tmp_path / 'page.md').write_text(page)
    claim = TextClaim('page.md', 'It answers {} of 6', 0, 'real', 'answers')
    with pytest.raises(ValueError, match=r"has 'It answers \{\} of 6' [02] times; expected once"):
        claim.cell(tmp_path)


def test_the_bounds_of_the_rest_stay_in_order() -> None:
    found = {'value': 0.25, 'low': 0.125, 'high': 0.5}
    assert look_up({'found': found}, '1 - found') == (0.75, 0.5, 0.875)


def test_the_claimed_numbers_are_stored_without_paths_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, 'RESULTS', tmp_path)
    number = {'value': 0.25, 'low': 0.125, 'high': 0.5}
    data = {'/home/somebody/data/real/pairs.json': 'f00d'}
    result = {
        'facts': {'benchmark': '/home/somebody/data'},
        'measures': {'model': {'inside': number, 'near': 0.75}, 'centre': {'inside': 0.375}},
        'tables': [{'title': 'small'}, {'title': 'large', 'rows': {'T = 64': 8853.4, 'T = 8': 1}}],
        'provenance': {**PROVENANCE, 'packages': {'torch': '2.13.0'}, 'data': data},
    }
    claims = [
        PageClaim('page.md', 'a', 'b', *claimed)
        for claimed in (
            ('real', 'measures > model > inside'),
            ('real', 'measures > centre > inside'),
            ('real', 'tables > large > rows > T = 64'),
            ('other', 'measures > model > near'),
        )
    ]

    command.store('real', result, claims)

    assert json.loads((tmp_path / 'real.json').read_text()) == {
        'provenance': {**PROVENANCE, 'data': {'real/pairs.json': 'f00d'}},
        'measures': {'model': {'inside': number}, 'centre': {'inside': 0.375}},
        'tables': {'large': {'rows': {'T = 64': 8853.4}}},
    }
