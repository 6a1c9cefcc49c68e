# SPDX-License-Identifier: Apache-2.0
"""An exported graph that is ready to run, whatever library runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Feed = Mapping[str, NDArray[Any]]
"""Input arrays of a graph by name."""


@dataclass(frozen=True)
class OpenedGraph:
    """A graph that is ready to run.

    Attributes:
        run: function from the inputs to the outputs, in the order of the graph, as arrays that
            later runs do not overwrite.
        input_types: type of each input by name.
    """

    run: Callable[[Feed], Sequence[NDArray[Any]]]
    input_types: Mapping[str, np.dtype[Any]]
