# SPDX-License-Identifier: Apache-2.0
"""Speed of quantized graphs in ONNX Runtime on this CPU, compared with fp32."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.export.quantization import CalibrationPair
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.session import Session
from afformer_core.runtime.sessions.onnx_session import OnnxSession

_RUNS = 9


def measure_speed(folder: Path, quantized: Session, pair: CalibrationPair) -> Mapping[str, float]:
    """Measure the milliseconds of an image in 'int8' and in 'fp32'; empty without fp32 graphs.

    Runs of both alternate, and the fastest run of each counts, which reduces the influence of
    other programs.

    Args:
        folder: the model folder.
        quantized: session of the quantized graphs.
        pair: demonstration and image to measure with.
    """
    try:
        sessions = {'int8': quantized, 'fp32': OnnxSession(read_graphs(folder))}
    except ModelFolderError:
        return {}
    memories = {
        name: session.memorize(session.encode_frames(pair.frames))
        for name, session in sessions.items()
    }
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(_RUNS):
        for name, session in sessions.items():
            begin = time.perf_counter()
            session.decode(session.encode_image(pair.image), memories[name])
            times[name].append(1e3 * (time.perf_counter() - begin))
    return {name: min(runs) for name, runs in times.items()}
