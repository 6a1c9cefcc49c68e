# SPDX-License-Identifier: Apache-2.0
"""Speed and memory of training, each implementation in its own process.

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

import torch
from torch import Tensor

from afformer_core.benchmarks.published_baseline import PublishedBaseline
from afformer_core.data.readers.opra import OPRA_ACTIONS
from afformer_core.models.afformer import Afformer
from afformer_core.models.backbones.convolutional_encoder import ResNetStages
from afformer_core.models.precision import fuse_attention
from afformer_core.models.presets import afformer_r50
from afformer_core.parallel.measured_subprocess import (
    MeasurementError,
    peak_megabytes,
    run_measurement,
)
from afformer_core.reports.tables import Cell, Table
from afformer_core.training.datasets.batch import ImageBatch, PointSupervision
from afformer_core.training.losses import GroundingLoss
from afformer_core.training.optimization import Optimization

IMPLEMENTATIONS = ('released', 'afformer')
_STEPS = 3
COLUMNS = {
    'pairs_per_second': 'pairs / s',
    'times_faster': 'times faster',
    'peak_megabytes': 'peak MB',
    'share_of_memory': 'of its memory',
    'loss': 'first loss',
}
_LABELS = {
    'released': "the released code's structure",
    'afformer': 'afformer',
}
_Predict = Callable[[ImageBatch], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Workload:
    """Size of a training step on noise.

    Attributes:
        pairs: number of pairs of a step.
        frames: number of frames of each demonstration.
        side: side of the images, in pixels.
        threads: number of threads on the CPU.

    Raises:
        ValueError: a number is below 1.
    """

    pairs: int
    frames: int
    side: int
    threads: int

    def __post_init__(self) -> None:
        if min(self.pairs, self.frames, self.side, self.threads) < 1:
            raise ValueError(f'workload is {self}; expected numbers of at least 1')

    def batch(self) -> ImageBatch:
        """Draw pairs of noise with one point each, the same in every process."""
        rng = torch.manual_seed(0)
        shape = (self.pairs, self.frames + 1, self.side, self.side, 3)
        noise = torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)
        annotations = PointSupervision(
            torch.rand((self.pairs, 1, 2), dtype=torch.float64, generator=rng),
            torch.arange(self.pairs) % len(OPRA_ACTIONS),
            torch.arange(self.pairs),
        )
        lengths = torch.full((self.pairs,), self.frames)
        samples = tuple(range(self.pairs))
        return ImageBatch(annotations, samples, noise[:, 1:], lengths, noise[:, 0])


@dataclass(frozen=True)
class Throughput:
    """Result of one measurement.

    Attributes:
        implementation: one of `IMPLEMENTATIONS`.
        seconds: median time of a step.
        peak_megabytes: largest resident memory of the process, or the GPU memory that PyTorch
            used.
        loss: loss of the first step, which must be the same for all implementations.
    """

    implementation: str
    seconds: float
    peak_megabytes: float
    loss: float


def throughput_table(workload: Workload) -> Table:
    """Measure every implementation, on the GPU if there is one, otherwise on the CPU.

    The row of an implementation that cannot be measured gives the reason.
    """
    rows: dict[str, dict[str, Cell]] = {}
    baseline: Throughput | None = None
    for implementation in IMPLEMENTATIONS:
        try:
            each = measure_in_process(implementation, workload)
        except MeasurementError as error:
            nothing = dict.fromkeys(COLUMNS)
            rows[_LABELS[implementation]] = {
                **nothing,
                'pairs_per_second': f'cannot: {error.reason}',
            }
            continue
        if implementation == IMPLEMENTATIONS[0]:
            baseline = each
        rows[_LABELS[implementation]] = {
            'pairs_per_second': workload.pairs / each.seconds,
            'times_faster': None if baseline is None else baseline.seconds / each.seconds,
            'peak_megabytes': each.peak_megabytes,
            'share_of_memory': None
            if baseline is None
            else each.peak_megabytes / baseline.peak_megabytes,
            'loss': each.loss,
        }
    device = 'GPU, fp16' if torch.cuda.is_available() else 'CPU, fp32'
    return Table.of(
        f'Training, ResNet-50, {workload.side}x{workload.side}, {workload.pairs} pairs of '
        f'{workload.frames} frames ({device})',
        COLUMNS,
        rows,
        (
            'A step is forward, backward and AdamW over all parameters, on noise; the times are '
            'medians of '
            f'{_STEPS}.',
            "the released code's structure: images are encoded together, all pyramid levels of "
            'every frame; decoded in a loop over pairs, with the bias of the relative positions '
            'materialised. The weights and therefore the loss are the same.',
        ),
    )


def measure_in_process(implementation: str, workload: Workload) -> Throughput:
    """Measure in a new process.

    Args:
        implementation: one of `IMPLEMENTATIONS`.
        workload: size of a training step.

    Raises:
        MeasurementError: the process failed, for lack of memory for example.
    """
    words = [implementation, *(str(value) for value in asdict(workload).values())]
    found = run_measurement(__name__, words, workload.threads, f'training by {implementation}')
    return Throughput(**found)


def measure_here(implementation: str, workload: Workload) -> Throughput:
    """Measure in this process; see `measure_in_process`."""
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    torch.set_num_threads(workload.threads)
    torch.manual_seed(0)
    model = Afformer(afformer_r50(OPRA_ACTIONS, (workload.side, workload.side))).to(device)
    if device.type == 'cuda':
        fuse_attention(model)
    predict: _Predict = (
        _released(model) if implementation == 'released' else lambda batch: batch.predict(model)
    )
    optimizer = Optimization().optimizer(model)
    loss_function = GroundingLoss('multi_label')
    batch = workload.batch().to(device)
    targets = batch.supervision.targets(model.configuration.heatmap_size)
    losses, seconds = [], []
    for _ in range(_STEPS + 1):
        start = time.perf_counter()
        with torch.autocast(device.type, torch.float16, enabled=device.type == 'cuda'):
            heatmaps, actions = predict(batch)
        loss, _ = loss_function(heatmaps, actions, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        seconds.append(time.perf_counter() - start)
    peak = torch.cuda.max_memory_allocated() / 2**20 if device.type == 'cuda' else peak_megabytes()
    return Throughput(implementation, statistics.median(seconds[1:]), peak, losses[0])


def _released(model: Afformer) -> _Predict:
    body = model.encoder.backbone_with_fpn.body
    assert isinstance(body, ResNetStages)
    body.recomputes = False
    reference = PublishedBaseline(model)
    return lambda batch: reference.ground_batch(batch.images, batch.frames)


def _main(implementation: str, *numbers: str) -> None:
    print(json.dumps(asdict(measure_here(implementation, Workload(*map(int, numbers))))))


if __name__ == '__main__':
    _main(*sys.argv[1:])
