# SPDX-License-Identifier: Apache-2.0
"""The budget of mining many hours of video and of training on them, from rates and prices.

Copy `studies/mining_budget.yaml`, put in your own numbers, and print the tables::

    python -m studies.mining_budget my_budget.yaml

Without a file, the tables are those of `docs/research/ten_thousand_hours.md`; `--page` writes them
there.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from afformer_core.files.atomic import write_aside
from afformer_core.reports.tables import Table

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / 'studies' / 'mining_budget.yaml'
PAGE = ROOT / 'docs' / 'research' / 'ten_thousand_hours.md'

_BEGIN, _END = '<!-- budget -->', '<!-- end of budget -->'
_HOUR, _DAY = 3600, 24
_BLOCK = 4.194304e-3  # gigabytes that are read of a remote file at a time

# Fields that others are divided by.
_DIVISORS = ('decoded', 'examined', 'cached_clips', 'part_minutes', 'cores', 'gpus', 'used')

Settings = TypeVar('Settings')


@dataclass(frozen=True)
class Codec:
    """An encoding of some of the videos.

    Attributes:
        share: share of the hours, 0 to 1.
        decoded: frames that a core decodes a second, of which some are examined.
    """

    share: float
    decoded: float


@dataclass(frozen=True)
class Detector:
    """A detector of hands.

    Attributes:
        examined: frames that it examines a second, on a core or on a GPU.
        device: `core` or `gpu`.
        assumed: whether the rate is an assumption, not a measurement.
    """

    examined: float
    device: str = 'core'
    assumed: bool = False

    def __post_init__(self) -> None:
        if self.device not in ('core', 'gpu'):
            raise ValueError(f'device is {self.device!r}; expected core or gpu')


@dataclass(frozen=True)
class Videos:
    """What is mined.

    Attributes:
        hours: hours of video.
        files: number of files.
        rate: frames a second.
        examined_rate: frames that are examined of each second.
        gigabytes_an_hour: size.
        clips_an_hour: clips that mining finds in an hour of video.
    """

    hours: float
    files: float
    rate: float
    examined_rate: float
    gigabytes_an_hour: float
    clips_an_hour: float


@dataclass(frozen=True)
class Training:
    """What is trained on the clips.

    Attributes:
        clips: number of clips that are drawn from the index.
        cached_clips: clips that a core reads at random positions and caches a second.
        cached_kilobytes: size of a clip in the cache.
        steps: number of steps.
        step_core_seconds: core-seconds of a step where no GPU computes it.
    """

    clips: float
    cached_clips: float
    cached_kilobytes: float
    steps: float
    step_core_seconds: float


@dataclass(frozen=True)
class Stored:
    """What mining keeps.

    Attributes:
        index_kilobytes_an_hour: size of the shards of the index, of an hour of video.
        part_kilobytes: size of the file of a part.
        part_minutes: length of a part.
    """

    index_kilobytes_an_hour: float
    part_kilobytes: float
    part_minutes: float


@dataclass(frozen=True)
class Cluster:
    """The machines.

    Attributes:
        cores, gpus: number of each.
        used: share of the time in which they work: the rest starts, waits, or is lost with
            machines that die.
    """

    cores: float
    gpus: float
    used: float


@dataclass(frozen=True)
class Prices:
    """Prices in one currency.

    Attributes:
        currency: its name.
        core_hour, gpu_hour: of computing.
        gigabyte_month: of storage.
        gigabyte_moved: of reading a bucket from elsewhere; 0 within a region.
        million_requests: of reading a bucket.
    """

    currency: str
    core_hour: float
    gpu_hour: float
    gigabyte_month: float
    gigabyte_moved: float
    million_requests: float


@dataclass(frozen=True)
class Budget:
    """Everything that the tables are computed from."""

    videos: Videos
    codecs: Mapping[str, Codec]
    detectors: Mapping[str, Detector]
    training: Training
    stored: Stored
    cluster: Cluster
    prices: Prices

    def __post_init__(self) -> None:
        shares = sum(codec.share for codec in self.codecs.values())
        if abs(shares - 1) > 1e-6:
            raise ValueError(f'the shares of the codecs have the sum {shares:g}; expected 1')

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Budget:
        """Build a budget of the content of a YAML file.

        Raises:
            ValueError: a field is unknown, missing or out of its range.
        """
        _require_fields(cls, content, 'the file')
        return cls(
            _settings(Videos, content['videos'], 'videos'),
            {name: _settings(Codec, one, name) for name, one in content['codecs'].items()},
            {name: _settings(Detector, one, name) for name, one in content['detectors'].items()},
            _settings(Training, content['training'], 'training'),
            _settings(Stored, content['stored'], 'stored'),
            _settings(Cluster, content['cluster'], 'cluster'),
            _settings(Prices, content['prices'], 'prices'),
        )

    def decoding(self, codec: Codec) -> float:
        """Return the core-hours of decoding the videos of a codec."""
        return self.videos.hours * codec.share * self.videos.rate / codec.decoded

    def detection(self, detector: Detector) -> float:
        """Return the hours of a core or a GPU for all examined frames."""
        return self.videos.hours * self.videos.examined_rate / detector.examined

    def stages(self) -> Table:
        """Hours of each stage, in which a core or a GPU works without a pause."""
        videos, training = self.videos, self.training
        rows: dict[str, dict[str, str]] = {}
        for name, codec in self.codecs.items():
            rows[f'decoding, {name}'] = {
                'work': f'{videos.hours * codec.share:,.0f} h of video',
                'rate': f'{codec.decoded:,.0f} frames / s',
                'cores': _hours(self.decoding(codec)),
            }
        for name, detector in self.detectors.items():
            rows[f'detection, {name}'] = {
                'work': f'{videos.hours * _HOUR * videos.examined_rate / 1e6:,.0f} M frames',
                'rate': f'{detector.examined:,.0f} frames / s{_assumed(detector)}',
                f'{detector.device}s': _hours(self.detection(detector)),
            }
        rows['reading and caching clips'] = {
            'work': f'{training.clips:,.0f} clips',
            'rate': f'{training.cached_clips:.1f} clips / s',
            'cores': _hours(training.clips / training.cached_clips / _HOUR),
        }
        rows['training'] = {
            'work': f'{training.steps:,.0f} steps',
            'rate': f'{training.step_core_seconds:.2f} core-seconds a step',
            'cores': _hours(training.steps * training.step_core_seconds / _HOUR),
        }
        headings = {
            'work': 'work', 'rate': 'of one', 'cores': 'core-hours', 'gpus': 'GPU-hours',
        }  # fmt: skip
        return Table.of('Computing', headings, rows)

    def mining(self) -> Table:
        """Time and money of mining with each detector, on the cluster."""
        cluster, prices = self.cluster, self.prices
        decoding = sum(map(self.decoding, self.codecs.values()))
        rows: dict[str, dict[str, str]] = {}
        for name, detector in self.detectors.items():
            hours = self.detection(detector)
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

    def storage(self) -> Table:
        """Sizes of what is read and kept, with the money for a month."""
        videos, stored, prices = self.videos, self.stored, self.prices
        parts = max(videos.files, videos.hours * 60 / stored.part_minutes)
        clips = videos.hours * videos.clips_an_hour
        read = videos.hours * videos.gigabytes_an_hour
        sizes = {
            f'videos, {videos.files:,.0f} files': read,
            f'results of {parts:,.0f} parts': parts * stored.part_kilobytes / 1e6,
            f'index of {clips:,.0f} clips': videos.hours * stored.index_kilobytes_an_hour / 1e6,
            f'cache of {self.training.clips:,.0f} clips': (
                self.training.clips * self.training.cached_kilobytes / 1e6
            ),
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

    def to_markdown(self) -> str:
        """All tables."""
        tables = (self.stages(), self.mining(), self.storage())
        return '\n\n'.join(table.to_markdown() for table in tables) + '\n'


def _settings(kind: type[Settings], content: Any, name: str) -> Settings:
    _require_fields(kind, content, name)
    for field, value in content.items():
        if isinstance(value, int | float):
            least = 'above 0' if field in _DIVISORS else 'at least 0'
            if value < 0 or (value == 0 and field in _DIVISORS):
                raise ValueError(f'{field} of {name} is {value}; expected {least}')
    return kind(**content)


def _require_fields(kind: type, content: Any, name: str) -> None:
    if not isinstance(content, Mapping):
        raise ValueError(f'{name} is {content!r}; expected fields')
    known = [each.name for each in fields(kind)]
    needed = [each.name for each in fields(kind) if each.default is MISSING]
    if missing := [each for each in needed if each not in content]:
        raise ValueError(f'{name} has no {missing[0]!r}')
    if unknown := [str(each) for each in content if each not in known]:
        raise ValueError(
            f'{name} has an unknown field {unknown[0]!r}; expected none but {", ".join(known)}'
        )


def _assumed(detector: Detector) -> str:
    return ' (assumed)' if detector.assumed else ''


def _hours(hours: float) -> str:
    return f'{hours:,.0f}' if hours >= 10 else f'{hours:.1f}'


def read_budget(path: Path) -> Budget:
    """Read a YAML file.

    Raises:
        ValueError: see `Budget.of`.
    """
    return Budget.of(yaml.safe_load(path.read_text(encoding='utf-8')))


def with_budget(page: str, tables: str) -> str:
    """Replace the tables between their marks in a page.

    Raises:
        ValueError: the page does not have the marks once.
    """
    parts = re.split(f'({re.escape(_BEGIN)}|{re.escape(_END)})', page)
    if parts[1::2] != [_BEGIN, _END]:
        raise ValueError(f'the page has the marks {parts[1::2]}; expected {_BEGIN} and {_END}')
    return f'{parts[0]}{_BEGIN}\n{tables}{_END}{parts[4]}'


def main(words: Iterable[str] | None = None) -> int:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('settings', type=Path, nargs='?', default=SETTINGS)
    parser.add_argument('--page', action='store_true', help='write them into the documentation')
    arguments = parser.parse_args(None if words is None else list(words))
    text = read_budget(arguments.settings).to_markdown()
    if not arguments.page:
        print(text, end='')
        return 0
    write_aside(PAGE, with_budget(PAGE.read_text(encoding='utf-8'), text).encode())
    return 0


if __name__ == '__main__':
    sys.exit(main())
