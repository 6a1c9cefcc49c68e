# SPDX-License-Identifier: Apache-2.0
"""The evaluation protocols by name."""

from __future__ import annotations

from collections.abc import Callable

from afformer_core.offline.evaluation.protocols.buttons_protocol import ButtonsProtocol
from afformer_core.offline.evaluation.protocols.coarse_protocol import CoarseRowsProtocol
from afformer_core.offline.evaluation.protocols.pooled_protocol import PooledProtocol
from afformer_core.offline.evaluation.protocols.protocols import EvaluationProtocol, RowsProtocol

PROTOCOLS: dict[str, Callable[[], EvaluationProtocol]] = {
    'rows256': RowsProtocol,
    'rows256-1e6': lambda: RowsProtocol(offset=1e-6),
    'rows28': CoarseRowsProtocol,
    'pooled28': PooledProtocol,
    'pooled28-noempty': lambda: PooledProtocol(without_empty=True),
    'buttons': ButtonsProtocol,
}
