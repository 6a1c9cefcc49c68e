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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.offline.benchmarks.inference_variants import InferenceVariant
from afformer_core.offline.parallel.measured_subprocess import peak_megabytes, run_measurement
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.demonstration import EncodedFrames, ImageFeatures

# imported late otherwise, because the memory of ONNX Runtime's row must not contain PyTorch
if TYPE_CHECKING:
    from torch import Tensor

_LEAST_RUNS = 3
_MOST_RUNS = 200
_LEAST_SECONDS = 2.0

Latency = dict[str, Any]
"""Result of one measurement: medians in milliseconds, unless said otherwise.

- `variant`, `frames`: text of the variant, and number of frames of the demonstration.
- `image_milliseconds`, `image_p95_milliseconds`: for each camera image, and its 95th percentile.
- `first_milliseconds`: from opening the model until the first heatmap, once.
- `frame_milliseconds`, `memorize_milliseconds`: for each demonstration frame as it arrives, and at
  the end of the demonstration; None if the variant has no such step.
- `peak_megabytes`: largest resident memory of the process, libraries and weights included; for a
  variant on the GPU, the GPU memory that it took, see `peak_gpu_megabytes`.
- `runs`: number of camera images timed.
"""


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
    return run_measurement(__name__, words, threads, what)


def measure_here(
    folder: Path, variant: InferenceVariant, frames: int, threads: int
) -> tuple[Latency, NDArray[np.float32]]:
    """Measure in this process; see `measure_in_process`.

    Returns:
        the measurement, and the heatmap of the most likely action, which sums to one.
    """
    peak = peak_gpu_megabytes() if variant.on_gpu else peak_megabytes
    measure = _measure_recompute if variant.recomputes else _measure_grounder
    first, times, heatmap = measure(folder, variant, frames, threads)
    medians = {
        f'{step}_milliseconds': statistics.median(known) if known else None
        for step, known in times.items()
    }
    latency = {
        'variant': variant.text,
        'frames': frames,
        'image_p95_milliseconds': float(np.percentile(times['image'], 95)),
        'first_milliseconds': first,
        'peak_megabytes': peak(),
        'runs': len(times['image']),
        **medians,
    }
    return latency, heatmap


_Measured = tuple[float, dict[str, list[float]], NDArray[np.float32]]
"""Milliseconds until the first heatmap, those of repeated steps by name, and the heatmap."""


def _measure_recompute(
    folder: Path, variant: InferenceVariant, frames: int, threads: int
) -> _Measured:
    import torch

    from afformer_core.runtime.weights import load_model

    device = 'cuda' if variant.on_gpu else 'cpu'
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    model = load_model(folder)
    model.to(device)
    video, image = (torch.from_numpy(x) for x in _noise(frames, model.configuration.input_size))

    @torch.inference_mode()
    def ground() -> tuple[Tensor, Tensor]:
        half = torch.autocast(device, torch.float16, enabled=variant.precision == 'fp16')
        with half, stored_bias():
            heatmaps, actions = model(image[None].to(device), video[None].to(device))
        return heatmaps[0].float().cpu(), actions[0].float().cpu()

    heatmaps, actions = ground()
    first = 1e3 * (time.perf_counter() - begin)
    best = int(actions.argmax()) if model.configuration.heatmap_per_action else 0
    heatmap = heatmaps[best].flatten().softmax(0).view_as(heatmaps[best]).numpy()
    return first, {'image': _times(ground), 'frame': [], 'memorize': []}, heatmap


@contextmanager
def stored_bias() -> Iterator[None]:
    """Materialise the bias of relative positions for fused attention, like the released code."""
    from torch.nn.functional import scaled_dot_product_attention

    from afformer_core.models.layers import attention

    def attend(q: Tensor, k: Tensor, v: Tensor, padding: Tensor | None) -> Tensor:
        channels = v.shape[-1]
        bias = q[..., channels:] @ k[..., channels:].transpose(-1, -2)
        content = q[..., :channels], k[..., :channels]
        return scaled_dot_product_attention(*content, v, attn_mask=bias, scale=1.0)

    names = vars(attention)
    before, names['attend'] = names['attend'], attend
    try:
        yield
    finally:
        names['attend'] = before


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
    encoding = [milliseconds for of_clip in encodings for milliseconds in of_clip]
    return first, {'image': times, 'frame': encoding, 'memorize': [*endings]}, heatmap


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


def peak_gpu_megabytes() -> Callable[[], float]:
    """Return a function of the peak GPU memory of this process from now on, without its context.

    That is the peak reserved by PyTorch, plus allocations of others such as TensorRT. Allocations
    of other processes are included, because they cannot be distinguished.
    """
    from torch import cuda

    def outside_pytorch() -> int:
        free, total = cuda.mem_get_info()
        return total - free - cuda.memory_reserved()

    # the first synchronisation creates the context
    cuda.synchronize()
    cuda.reset_peak_memory_stats()
    before = outside_pytorch()
    return lambda: (cuda.max_memory_reserved() + max(0, outside_pytorch() - before)) / 2**20


def _main(folder: str, variant: str, frames: str, threads: str, heatmap_path: str) -> None:
    latency, heatmap = measure_here(
        Path(folder), InferenceVariant.parse(variant), int(frames), int(threads)
    )
    np.save(heatmap_path, heatmap)
    print(json.dumps(latency))


if __name__ == '__main__':
    _main(*sys.argv[1:])
