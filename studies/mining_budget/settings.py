# SPDX-License-Identifier: Apache-2.0
"""The settings of a budget: amounts, rates of one core or GPU, and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

# Fields that are divisors.
_DIVISORS = ('decoded', 'examined', 'cached_clips', 'part_minutes', 'cores', 'gpus', 'used')

Settings = TypeVar('Settings')


def _require_device(device: str) -> None:
    if device not in ('core', 'gpu'):
        raise ValueError(f'device is {device!r}; expected core or gpu')


@dataclass(frozen=True)
class Codec:
    """An encoding of some of the videos.

    Attributes:
        share: share of the hours, 0 to 1.
        decoded: frames that a core decodes per second, some of which are examined.
    """

    share: float
    decoded: float


@dataclass(frozen=True)
class Detector:
    """A detector of hands.

    Attributes:
        examined: frames that it examines per second, on a core or on a GPU.
        device: `core` or `gpu`.
        assumed: whether the rate is an assumption, not a measurement.
    """

    examined: float
    device: str = 'core'
    assumed: bool = False

    def __post_init__(self) -> None:
        _require_device(self.device)


@dataclass(frozen=True)
class Videos:
    """What is mined.

    Attributes:
        hours: hours of video.
        files: number of files.
        rate: frames per second.
        examined_rate: frames that are examined per second of video.
        gigabytes_an_hour: size of an hour of video.
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
    """A training on the clips.

    Attributes:
        clips: number of clips from the index.
        frames: number of frames of a demonstration.
        side: height and width of such a frame.
        interactions: number of frames of a clip from which target images are made.
        width, height: size of such a frame.
        cached_clips: clips that a core reads at random positions and caches per second.
        steps: number of steps.
        step_seconds: seconds of a step on a core or on a GPU.
        device: `core` or `gpu`.
        assumed: whether the rates are assumptions, not measurements.
    """

    clips: float
    frames: float
    side: float
    interactions: float
    width: float
    height: float
    cached_clips: float
    steps: float
    step_seconds: float
    device: str = 'core'
    assumed: bool = False

    def __post_init__(self) -> None:
        _require_device(self.device)

    @property
    def cached_bytes(self) -> float:
        """Size of a clip in the cache, 3 bytes for each pixel."""
        return 3 * (
            self.frames * self.side * self.side + self.interactions * self.width * self.height
        )


@dataclass(frozen=True)
class Stored:
    """What mining keeps.

    Attributes:
        index_kilobytes_an_hour: size of the shards of the index for an hour of video.
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
        used: share of the time in which they work; during the rest, they start or wait, or
            machines fail.
    """

    cores: float
    gpus: float
    used: float


@dataclass(frozen=True)
class Prices:
    """Prices in one currency.

    Attributes:
        currency: name of the currency.
        core_hour, gpu_hour: prices of computing.
        gigabyte_month: price of storage.
        gigabyte_moved: price of reading a bucket from outside its region; 0 within the region.
        million_requests: price of requests to a bucket.
    """

    currency: str
    core_hour: float
    gpu_hour: float
    gigabyte_month: float
    gigabyte_moved: float
    million_requests: float


@dataclass(frozen=True)
class Budget:
    """All numbers from which the tables are computed."""

    videos: Videos
    codecs: Mapping[str, Codec]
    detectors: Mapping[str, Detector]
    trainings: Mapping[str, Training]
    stored: Stored
    cluster: Cluster
    prices: Prices

    def __post_init__(self) -> None:
        shares = sum(codec.share for codec in self.codecs.values())
        if abs(shares - 1) > 1e-6:
            raise ValueError(f'the shares of the codecs have the sum {shares:g}; expected 1')

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Budget:
        """Build a budget from the content of a YAML file.

        Raises:
            ValueError: a field is unknown, missing or out of its range.
        """
        _require_fields(cls, content, 'the file')
        return cls(
            _settings(Videos, content['videos'], 'videos'),
            {
                name: _settings(Codec, description, name)
                for name, description in content['codecs'].items()
            },
            {
                name: _settings(Detector, description, name)
                for name, description in content['detectors'].items()
            },
            {
                name: _settings(Training, description, name)
                for name, description in content['trainings'].items()
            },
            _settings(Stored, content['stored'], 'stored'),
            _settings(Cluster, content['cluster'], 'cluster'),
            _settings(Prices, content['prices'], 'prices'),
        )


def read_budget(path: Path) -> Budget:
    """Read a YAML file.

    Raises:
        ValueError: see `Budget.of`.
    """
    return Budget.of(yaml.safe_load(path.read_text(encoding='utf-8')))


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
    known = [field.name for field in fields(kind)]
    needed = [field.name for field in fields(kind) if field.default is MISSING]
    if missing := [key for key in needed if key not in content]:
        raise ValueError(f'{name} has no {missing[0]!r}')
    if unknown := [str(key) for key in content if key not in known]:
        raise ValueError(
            f'{name} has an unknown field {unknown[0]!r}; expected only {", ".join(known)}'
        )
