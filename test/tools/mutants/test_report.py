# SPDX-License-Identifier: Apache-2.0
"""Shares, their intervals, and the survivors."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutants.mutant import mutants_of
from tools.mutants.report import PackageResult, overall, survivors, table


def result(folder: Path, package: str, mutants: int, tried: int, alive: int) -> PackageResult:
    (folder / 'product.py').write_text('def f(a, b):\n    return a + b\n')
    (mutant,) = mutants_of(folder, Path('product.py'))
    return PackageResult(package, mutants, 2, tried, ((mutant, '3 tests pass'),) * alive)


def test_the_interval_of_a_package_is_wilsons(tmp_path: Path) -> None:
    # Of 45 in 50, by any table.
    low, high = result(tmp_path, 'stream', 612, 50, 5).interval
    assert (low, high) == pytest.approx((0.7864, 0.9565), abs=1e-4)

    low, high = result(tmp_path, 'stream', 612, 50, 0).interval
    assert (low, high) == pytest.approx((0.9287, 1.0), abs=1e-4)


def test_packages_count_by_their_mutants(tmp_path: Path) -> None:
    small, large = result(tmp_path, 'a', 100, 50, 10), result(tmp_path, 'b', 300, 50, 0)
    share, (low, high) = overall([small, large])

    # 0.25 * 0.8 + 0.75 * 1.
    assert share == pytest.approx(0.95)
    # With 42 of 54 and 52 of 54: variances 0.0625 * 0.003201 and 0.5625 * 0.000660.
    assert (low, high) == pytest.approx((0.9031, 0.9969), abs=1e-4)


def test_the_table(tmp_path: Path) -> None:
    text = table([result(tmp_path, 'a', 100, 50, 10), result(tmp_path, 'b', 300, 50, 0)])

    assert text.splitlines()[2:] == [
        '| `a` | 100 | 2 | 50 | 40 | 80.0 % | 67.0 % to 88.8 % |',
        '| `b` | 300 | 2 | 50 | 50 | 100.0 % | 92.9 % to 100.0 % |',
        '| **all** | 400 | 4 | 100 | 90 | 95.0 % | 90.3 % to 99.7 % |',
    ]


def test_survivors_are_listed_with_their_difference(tmp_path: Path) -> None:
    assert survivors([result(tmp_path, 'a', 100, 50, 1)]) == (
        'product.py:2 f: 3 tests pass\n-    return a + b\n+    return a - b'
    )
