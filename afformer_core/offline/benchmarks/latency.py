# SPDX-License-Identifier: Apache-2.0
"""Time and memory of one variant of inference, each in its own process.

Run as a module, it measures in this process and prints one JSON object. `measure_in_process`
starts it in this way, because peak memory belongs to a process and must not include other
measurements.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.offline.benchmarks.inference_variants import InferenceVariant
from afformer_core.offline.parallel.measured_subprocess import peak_megabytes, run_measurement
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.features import ImageFeatures

_LEAST_RUNS = 3
_MOST_RUNS = 200
_LEAST_SECONDS = 2.0


@dataclass(frozen=True)
class Latency:
    """Result of one measurement. Times are medians in milliseconds unless said otherwise.

    Attributes:
        variant: text of the `InferenceVariant`.
        frames: number of frames of the demonstration.
        image_milliseconds: time for each camera image.
        image_p95_milliseconds: 95th percentile of it.
        first_milliseconds: time from opening the model until the first heatmap, once.
        frame_milliseconds: time for each demonstration frame as it arrives; None if the variant
            has no such step.
        memorize_milliseconds: time at the demonstration's end, once; None if the variant has no
            such step.
        peak_megabytes: largest resident memory of the process, libraries and weights included; for
            a variant on the GPU, the GPU memory that it took, see `PeakGpuMemory`.
        runs: number of camera images timed.
    """

    variant: str
    frames: int
    image_milliseconds: float
    image_p95_milliseconds: float
    first_milliseconds: float
    frame_milliseconds: float | None
    memorize_milliseconds: float | None
    peak_megabytes: float
    runs: int


def measure_in_process(
    folder: Path, variant: InferenceVariant, frames: int, threads: int, heatmap: Path
) -> Latency:
    """Measure in a new process.

    Args:
        folder: model folder, with graphs if the variant needs them.
        variant: backend and precision.
        frames: number of frames of the demonstration, 1 to the model's maximum.
        threads: number of threads, at least 1.
        heatmap: path where the heatmap is written, as .npy.

    Raises:
        MeasurementError: the process failed, for lack of memory for example.
    """
    words = (str(folder), variant.text, str(frames), str(threads), str(heatmap))
    what = f'{variant.text} of {folder} with {frames} frames'
    return Latency(**run_measurement(__name__, words, threads, what))


def measure_here(
    folder: Path, variant: InferenceVariant, frames: int, threads: int
) -> tuple[Latency, NDArray[np.float32]]:
    """Measure in this process; see `measure_in_process`.

    Returns:
        the measurement, and the heatmap of the most likely action, which sums to one.
    """
    peak = _gpu_peak() if variant.on_gpu else peak_megabytes
    measure = _measure_recompute if variant.recomputes else _measure_grounder
    first, timings, heatmap = measure(folder, variant, frames, threads)
    latency = Latency(
        variant.text,
        frames,
        statistics.median(timings.image),
        float(np.percentile(timings.image, 95)),
        first,
        statistics.median(timings.frame) if timings.frame else None,
        statistics.median(timings.memorize) if timings.memorize else None,
        peak(),
        len(timings.image),
    )
    return latency, heatmap


@dataclass(frozen=True)
class _Timings:
    """Times of repeated steps, in milliseconds."""

    image: list[float]
    frame: list[float]
    memorize: list[float]


_Measured = tuple[float, _Timings, NDArray[np.float32]]


def _measure_recompute(
    folder: Path, variant: InferenceVariant, frames: int, threads: int
) -> _Measured:
    # imported here, because the memory of ONNX Runtime's row must not contain PyTorch
    import torch

    from afformer_core.offline.benchmarks.published_baseline import PublishedBaseline
    from afformer_core.runtime.weights import load_model

    device = 'cuda' if variant.on_gpu else 'cpu'
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    model = load_model(folder)
    reference = PublishedBaseline(model).to(device)
    video, image = (torch.from_numpy(x) for x in _noise(frames, model.configuration.input_size))

    @torch.inference_mode()
    def ground() -> tuple[torch.Tensor, torch.Tensor]:
        with torch.autocast(device, torch.float16, enabled=variant.precision == 'fp16'):
            heatmaps, actions = reference(image.to(device), video.to(device))
        return heatmaps.float().cpu(), actions.float().cpu()

    heatmaps, actions = ground()
    first = 1e3 * (time.perf_counter() - begin)
    best = int(actions.argmax()) if model.configuration.heatmap_per_action else 0
    heatmap = heatmaps[best].flatten().softmax(0).view_as(heatmaps[best]).numpy()
    return first, _Timings(_times(ground), [], []), heatmap


def _measure_grounder(
    folder: Path, variant: InferenceVariant, frames: int, threads: int
) -> _Measured:
    begin = time.perf_counter()
    # Without zoom stages or a matching network, like the other variants.
    networks = open_networks(
        folder, variant.backend, threads, variant.precision, with_matching=False
    )
    grounder = ArrayGrounder(networks.configuration, networks)
    video, image = _noise(frames, grounder.configuration.input_size)

    def memorize() -> tuple[list[float], float]:
        encoded: list[tuple[UInt8Array, ImageFeatures]] = []

        def encode(frame: UInt8Array) -> None:
            resized = grounder.resize(frame)
            encoded.append((resized, grounder.encode(resized)))

        encoding = [_milliseconds(partial(encode, frame)) for frame in video]
        whole = EncodedFrames.stack(encoded)
        return encoding, _milliseconds(lambda: grounder.memorize(whole, 'noise', frames))

    memorize()
    heatmap = grounder.ground(image, 'noise').heatmap
    first = 1e3 * (time.perf_counter() - begin)
    encodings, endings = zip(*(memorize() for _ in range(_LEAST_RUNS)), strict=True)
    # work that is done once after a demonstration is not part of the time of each image
    grounder.ground(image, 'noise')
    times = _times(lambda: grounder.ground(image, 'noise'))
    return (
        first,
        _Timings(
            times,
            [milliseconds for encoding_times in encodings for milliseconds in encoding_times],
            [*endings],
        ),
        heatmap,
    )


def _noise(frames: int, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw a video [T, H, W, 3] and an image [H, W, 3], the same in every process."""
    noise = np.random.default_rng(0).integers(0, 256, (frames + 1, *size, 3), np.uint8)
    return noise[1:], noise[0]


def _times(run: Callable[[], Any]) -> list[float]:
    times: list[float] = []
    while len(times) < _MOST_RUNS:
        times.append(_milliseconds(run))
        if len(times) >= _LEAST_RUNS and sum(times) >= 1e3 * _LEAST_SECONDS:
            break
    return times


def _milliseconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - start)


def _gpu_peak() -> Callable[[], float]:
    from afformer_core.offline.benchmarks.gpu_memory import PeakGpuMemory

    return PeakGpuMemory().peak_megabytes


def _main(folder: str, variant: str, frames: str, threads: str, heatmap_path: str) -> None:
    latency, heatmap = measure_here(
        Path(folder), InferenceVariant.parse(variant), int(frames), int(threads)
    )
    np.save(heatmap_path, heatmap)
    print(json.dumps(asdict(latency)))


if __name__ == '__main__':
    _main(*sys.argv[1:])
