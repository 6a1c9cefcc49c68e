# SPDX-License-Identifier: Apache-2.0
"""What is kept of a finished demonstration beside its frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from afformer_core.demonstrations.state import Summary
from afformer_core.errors import DemonstrationError, ForeignFileError

FORMAT = 2
# Values that a file need not hold.
_OPTIONAL = ('frames_lost',)


@dataclass(frozen=True)
class Record:
    """What is kept of a demonstration beside its frames.

    Attributes:
        summary: its numbers.
        created: seconds since 1970 at which it was finished; gives the order.
        first_frame, last_frame: the part that is used, as numbers of frames in the file, from 0.
        fingerprint: of the model that encoded it, see `Grounder.fingerprint`.
    """

    summary: Summary
    created: float
    first_frame: int
    last_frame: int
    fingerprint: str

    def __post_init__(self) -> None:
        if not np.isfinite(self.created) or not 0 <= self.first_frame <= self.last_frame:
            raise DemonstrationError(
                f'demonstration {self.summary.name!r} was made at {self.created} and is used from '
                f'frame {self.first_frame} to {self.last_frame}; that cannot be'
            )

    def to_text(self) -> dict[str, str]:
        """The record as texts by key, as files of the MCAP format hold them."""
        own = {key: value for key, value in asdict(self).items() if key != 'summary'}
        values = {'format': FORMAT, **asdict(self.summary), **own}
        return {key: str(value) for key, value in values.items()}

    @classmethod
    def from_text(cls, texts: Mapping[str, str]) -> Record:
        """Read back what `to_text` gave.

        Raises:
            ForeignFileError: another format.
            ValueError: a value cannot be read.
            KeyError: a value is missing.
            DemonstrationError: values that contradict each other.
        """
        if texts['format'] != str(FORMAT):
            raise ForeignFileError(f'format {texts["format"]} is unknown, {FORMAT} is read')
        return cls(Summary(**_parsed(Summary, texts)), **_parsed(cls, texts))


def _parsed(kind: type, texts: Mapping[str, str]) -> dict[str, Any]:
    parsers = {'str': str, 'int': int, 'float': float}
    return {
        field.name: parsers[str(field.type)](texts[field.name])
        for field in fields(kind)
        if field.type in parsers and not (field.name in _OPTIONAL and field.name not in texts)
    }
