# SPDX-License-Identifier: Apache-2.0
"""The tables of a budget: computing, mining by detector, storage and transfer."""

from __future__ import annotations

from afformer_core.reports.tables import Table
from studies.mining_budget.settings import Budget, Codec, Detector, Training

_HOUR, _DAY = 3600, 24
_NAMES = {'core': 'core', 'gpu': 'GPU'}
_BLOCK = 4.194304e-3  # Gigabytes that one request reads of a remote file.


def stage_table(budget: Budget) -> Table:
    """Tabulate the busy hours of a core or a GPU in each stage."""
    videos = budget.videos
    rows: dict[str, dict[str, str]] = {}
    for name, codec in budget.codecs.items():
        rows[f'decoding, {name}'] = {
            'work': f'{videos.hours * codec.share:,.0f} h of video',
            'rate': f'{codec.decoded:,.0f} frames / s',
            'cores': _hours(_decoding(budget, codec)),
        }
    for name, detector in budget.detectors.items():
        rows[f'detection, {name}'] = {
            'work': f'{videos.hours * _HOUR * videos.examined_rate / 1e6:,.0f} M frames',
            'rate': f'{detector.examined:,.0f} frames / s{_assumed(detector)}',
            f'{detector.device}s': _hours(_detection(budget, detector)),
        }
    for name, training in budget.trainings.items():
        rows[f'reading and caching clips, {name}'] = {
            'work': f'{training.clips:,.0f} clips',
            'rate': f'{training.cached_clips:.2f} clips / s{_assumed(training)}',
            'cores': _hours(training.clips / training.cached_clips / _HOUR),
        }
        rows[f'training, {name}'] = {
            'work': f'{training.steps:,.0f} steps',
            'rate': (
                f'{training.step_seconds:.2f} {_NAMES[training.device]}-seconds a step'
                f'{_assumed(training)}'
            ),
            f'{training.device}s': _hours(training.steps * training.step_seconds / _HOUR),
        }
    headings = {
        'work': 'work', 'rate': 'of one', 'cores': 'core-hours', 'gpus': 'GPU-hours',
    }  # fmt: skip
    return Table.of('Computing', headings, rows)


def mining_table(budget: Budget) -> Table:
    """Tabulate time and cost of mining with each detector on the cluster."""
    cluster, prices = budget.cluster, budget.prices
    decoding = sum(_decoding(budget, codec) for codec in budget.codecs.values())
    rows: dict[str, dict[str, str]] = {}
    for name, detector in budget.detectors.items():
        hours = _detection(budget, detector)
        cores = (decoding + (hours if detector.device == 'core' else 0)) / cluster.used
        gpus = (hours if detector.device == 'gpu' else 0) / cluster.used
        days = max(cores / cluster.cores, gpus / cluster.gpus if gpus else 0) / _DAY
        money = cores * prices.core_hour + gpus * prices.gpu_hour
        rows[name + _assumed(detector)] = {
            'cores': _hours(cores),
            'gpus': _hours(gpus) if gpus else '-',
            'days': f'{days:.1f}',
            'money': f'{money:,.0f}',
        }
    headings = {
        'cores': 'core-hours',
        'gpus': 'GPU-hours',
        'days': f'days on {cluster.cores:,.0f} cores and {cluster.gpus:,.0f} GPUs',
        'money': prices.currency,
    }
    return Table.of('Mining by detector', headings, rows)


def storage_table(budget: Budget) -> Table:
    """Tabulate the sizes of the data that is read and stored, with its cost per month."""
    videos, stored, prices = budget.videos, budget.stored, budget.prices
    parts = max(videos.files, videos.hours * 60 / stored.part_minutes)
    clips = videos.hours * videos.clips_an_hour
    read = videos.hours * videos.gigabytes_an_hour
    sizes = {
        f'videos, {videos.files:,.0f} files': read,
        f'results of {parts:,.0f} parts': parts * stored.part_kilobytes / 1e6,
        f'index of {clips:,.0f} clips': videos.hours * stored.index_kilobytes_an_hour / 1e6,
        **{
            f'cache of {training.clips:,.0f} clips, {name}': (
                training.clips * training.cached_bytes / 1e9
            )
            for name, training in budget.trainings.items()
        },
    }
    rows = {
        name: {
            'gigabytes': f'{size:,.0f}' if size >= 10 else f'{size:.1f}',
            'month': f'{size * prices.gigabyte_month:,.0f}',
        }
        for name, size in sizes.items()
    }
    requests = read / _BLOCK
    once = read * prices.gigabyte_moved + requests / 1e6 * prices.million_requests
    rows[f'reading all once, {requests / 1e6:,.0f} M requests'] = {
        'gigabytes': f'{read:,.0f}',
        'once': f'{once:,.0f}',
    }
    headings = {
        'gigabytes': 'GB',
        'month': f'{prices.currency} a month',
        'once': f'{prices.currency} once',
    }
    return Table.of('Storage and transfer', headings, rows)


def budget_text(budget: Budget) -> str:
    """Return all tables as Markdown."""
    tables = (stage_table(budget), mining_table(budget), storage_table(budget))
    return '\n\n'.join(table.to_markdown() for table in tables) + '\n'


def _decoding(budget: Budget, codec: Codec) -> float:
    """Return the core-hours for decoding the videos of a codec."""
    return budget.videos.hours * codec.share * budget.videos.rate / codec.decoded


def _detection(budget: Budget, detector: Detector) -> float:
    """Return the hours of a core or a GPU for all examined frames."""
    return budget.videos.hours * budget.videos.examined_rate / detector.examined


def _assumed(rates: Detector | Training) -> str:
    return ' (assumed)' if rates.assumed else ''


def _hours(hours: float) -> str:
    return f'{hours:,.0f}' if hours >= 10 else f'{hours:.1f}'
