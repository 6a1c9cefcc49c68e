# SPDX-License-Identifier: Apache-2.0
"""Share of killed mutants with intervals, and the list of survivors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from tools.mutants.mutant import Mutant

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class PackageResult:
    """Result of the drawn mutants of one package.

    Attributes:
        package: name of the package.
        mutants: number of its mutants, without those listed as equivalent.
        equivalent: number of listed mutants.
        tried: number of mutants that were drawn, at least one.
        survivors: drawn mutants that no test detected, each with the reason.
    """

    package: str
    mutants: int
    equivalent: int
    tried: int
    survivors: tuple[tuple[Mutant, str], ...]

    @property
    def killed(self) -> int:
        """Number of detected mutants among the tried ones."""
        return self.tried - len(self.survivors)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share of killed mutants."""
        middle = (self.killed + _Z**2 / 2) / (self.tried + _Z**2)
        share = self.killed / self.tried
        half = _Z * math.sqrt(share * (1 - share) * self.tried + _Z**2 / 4) / (self.tried + _Z**2)
        return middle - half, middle + half


def overall(results: Sequence[PackageResult]) -> tuple[float, tuple[float, float]]:
    """Estimate the share of killed mutants of several packages, each drawn separately.

    Returns:
        the share, each package weighted by its mutants, and its 95 % interval; each variance
        counts two more killed mutants and two more survivors, so that none is zero.
    """
    total = sum(result.mutants for result in results)
    share = sum(result.mutants / total * result.killed / result.tried for result in results)
    variance = 0.0
    for result in results:
        likely = (result.killed + 2) / (result.tried + 4)
        variance += (result.mutants / total) ** 2 * likely * (1 - likely) / (result.tried + 4)
    half = _Z * math.sqrt(variance)
    return share, (max(0.0, share - half), min(1.0, share + half))


def table(results: Sequence[PackageResult]) -> str:
    """Write a table in Markdown, with a row for each package and one for all."""
    lines = [
        '| package | mutants | equivalent | tried | killed | share | 95 % interval |',
        '|---|---:|---:|---:|---:|---:|---:|',
    ]
    for result in results:
        shares = _shares(result.killed / result.tried, result.interval)
        lines.append(
            f'| `{result.package}` | {result.mutants} | {result.equivalent} | {result.tried} '
            f'| {result.killed} | {shares} |'
        )
    mutants, equivalent, tried, killed = (
        sum(getattr(result, name) for result in results)
        for name in ('mutants', 'equivalent', 'tried', 'killed')
    )
    shares = _shares(*overall(results))
    lines.append(f'| **all** | {mutants} | {equivalent} | {tried} | {killed} | {shares} |')
    return '\n'.join(lines)


def survivors(results: Sequence[PackageResult]) -> str:
    """Describe each survivor by file, line, function and change."""
    parts = []
    for result in results:
        for mutant, reason in result.survivors:
            where = f'{mutant.path}:{mutant.line} {mutant.function}'.rstrip()
            parts.append('\n'.join([f'{where}: {reason}', *mutant.difference]))
    return '\n\n'.join(parts)


def _shares(share: float, interval: tuple[float, float]) -> str:
    return f'{share:.1%} | {interval[0]:.1%} to {interval[1]:.1%}'.replace('%', ' %')
