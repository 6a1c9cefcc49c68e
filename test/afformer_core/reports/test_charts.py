# SPDX-License-Identifier: Apache-2.0
"""Lines, bars and bands in the SVG of charts."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from afformer_core.errors import AfformerError
from afformer_core.reports import charts
from afformer_core.reports.charts import band, histogram, line_chart, require_charts

# Where the first and the last value of x, and the axis of x, lie in a chart of 860 x 190.
LEFT, RIGHT, GROUND, TOP = 52.0, 848.0, 152.0, 18.0


def paths(svg: str, colour: str) -> list[list[tuple[float, float]]]:
    """Points of the paths of a colour, in order."""
    found = []
    for path in ElementTree.fromstring(svg).iter('path'):
        if f': {colour}' in path.get('style', ''):
            numbers = re.findall(r'[ML] (\S+) (\S+)', path.get('d', ''))
            found.append([(float(x), float(y)) for x, y in numbers])
    return found


def texts(svg: str) -> list[str]:
    return [text.text or '' for text in ElementTree.fromstring(svg).iter('text')]


def test_a_line_goes_through_its_values() -> None:
    svg = line_chart([0, 1, 2], [0.0, 1.0, 0.5], 'seconds', 'presence', (0, 1))
    assert paths(svg, 'var(--accent)') == [
        [(LEFT, GROUND), (450.0, TOP), (RIGHT, (GROUND + TOP) / 2)]
    ]
    assert {'seconds', 'presence', '0.0', '1.0'} <= set(texts(svg))


def test_there_is_a_gap_where_there_is_no_value() -> None:
    values = [0.5, 0.5, None, 0.5, float('nan'), 0.5, 0.5]
    svg = line_chart(range(7), values, 'seconds', 'metres', (0, 1))
    line, alone = paths(svg, 'var(--accent)')
    assert [round(x) for x, _ in line] == [52, 185, 450, 715, 848]
    # A value between two gaps is a dot as well, since a line of one point cannot be seen.
    assert {round(x) for x, _ in alone} == {450}


def test_values_beyond_the_range_lie_on_its_edge() -> None:
    svg = line_chart([0, 1], [-5.0, 5.0], 'seconds', 'presence', (0, 1))
    assert paths(svg, 'var(--accent)') == [[(LEFT, GROUND), (RIGHT, TOP)]]


def test_a_threshold_is_drawn_at_its_value_with_its_name() -> None:
    svg = line_chart([0, 1], [1, 1], 'seconds', 'presence', (0, 1), (0.5, 'minimum_presence 0.5'))
    assert paths(svg, 'var(--text)') == [[(LEFT, 85.0), (RIGHT, 85.0)]]
    assert 'minimum_presence 0.5' in texts(svg)


def test_bars_are_as_high_as_what_they_count() -> None:
    svg = histogram([1.0, 1.0, 2.0], 'milliseconds', [(1.0, 'median')])
    (bars,) = paths(svg, 'var(--accent)')
    heights = {round(GROUND - y, 1) for _, y in bars}
    # The higher one has 1 / 1.05 of the axis.
    assert heights == {0.0, round((GROUND - TOP) / 1.05 / 2, 1), round((GROUND - TOP) / 1.05, 1)}
    assert 'median' in texts(svg)


def test_what_is_far_out_is_counted_in_the_last_bar() -> None:
    svg = histogram([10.0] * 99 + [5000.0], 'milliseconds', [])
    (bars,) = paths(svg, 'var(--accent)')
    assert max(x for x, _ in bars) == RIGHT
    assert '5000' not in texts(svg)


def test_a_band_changes_its_colour_where_the_state_changes() -> None:
    svg = band([0, 1, 2, 4], ['#009e73', '#009e73', '#d55e00', '#009e73'], 'states')
    green, red = paths(svg, '#009e73'), paths(svg, '#d55e00')
    assert [(run[0][0], run[1][0]) for run in red] == [(450.0, RIGHT)]
    assert [(run[0][0], run[1][0]) for run in green] == [(LEFT, 450.0), (RIGHT, RIGHT + 1)]


@pytest.mark.parametrize('values', [[], [None, None]])
def test_a_chart_of_nothing_is_an_empty_one(values: list[None]) -> None:
    svg = line_chart([0, 1][: len(values)] or [0], values or [None], 'seconds', 'pixels')
    assert 'nan' not in svg


def test_labels_are_escaped_and_the_page_gives_the_colours() -> None:
    svg = line_chart([0, 1], [1, 2], 'a < b', '"c" & d', None, (1.0, '<script>'))
    assert 'aria-label="&quot;c&quot; &amp; d over a &lt; b"' in svg
    assert '<script>' not in svg
    assert '#0101' not in svg
    assert not re.search(r'id=|url\(|href|https?:', svg)


def test_the_same_values_give_the_same_text() -> None:
    code = (
        'from afformer_core.reports.charts import line_chart\n'
        "print(line_chart([0, 1], [1, 2], 'seconds', 'metres'))"
    )
    told = subprocess.run([sys.executable, '-c', code], stdout=subprocess.PIPE, check=True)
    assert told.stdout.decode() == f'{line_chart([0, 1], [1, 2], "seconds", "metres")}\n'


def test_charts_need_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    require_charts()
    monkeypatch.setattr(charts, 'find_spec', lambda name: None)
    with pytest.raises(AfformerError, match=r"need matplotlib. Run `pip install '\.\[report\]'`"):
        require_charts()
