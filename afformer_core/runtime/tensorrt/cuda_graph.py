# SPDX-License-Identifier: Apache-2.0
"""One grounding as a CUDA graph: an image costs one upload, one launch, one download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from afformer_core.arrays import UInt8Array
from afformer_core.runtime.session import Output

# Libraries allocate memory and choose kernels in the first runs, which a graph cannot capture.
_WARM_UP = 3


class EnqueuedGround:
    """Grounding of images of one shape in memories of one shape, step by step.

    The object owns all buffers that it reads and writes, so that their addresses stay valid during
    its lifetime.

    Args:
        stream: CUDA stream in which everything runs.
        image: buffer of the image, uint8 RGB [h, w, 3] on the GPU, that `run` reads.
        run: function that computes in the current stream and returns the tensors of
            `Session.ground` on the GPU; it keeps the tensors that it reads or writes.
    """

    def __init__(
        self, stream: torch.cuda.Stream, image: Tensor, run: Callable[[], Sequence[Tensor]]
    ) -> None:
        self._stream = stream
        self._image = image
        self._run = run
        self._pinned_image = torch.zeros(tuple(image.shape), dtype=torch.uint8, pin_memory=True)
        with torch.cuda.stream(stream):
            self._outputs = run()
        self._pinned_outputs = [
            torch.empty(tuple(one.shape), dtype=one.dtype, pin_memory=True)
            for one in self._outputs
        ]

    def __call__(self, image: UInt8Array) -> Output:
        """Ground an image in the memory that `run` reads."""
        np.copyto(self._pinned_image.numpy(), image)
        with torch.cuda.stream(self._stream):
            self._launch()
        self._stream.synchronize()
        # Copies, since the next image overwrites the buffers.
        heatmaps, actions, features = (
            one.to(torch.float32, copy=True).numpy() for one in self._pinned_outputs
        )
        return Output(heatmaps, actions, features)

    def _enqueue(self) -> None:
        self._image.copy_(self._pinned_image, non_blocking=True)
        self._outputs = self._run()
        for pinned, tensor in zip(self._pinned_outputs, self._outputs, strict=True):
            pinned.copy_(tensor, non_blocking=True)

    def _launch(self) -> None:
        self._enqueue()


class CapturedGraph(EnqueuedGround):
    """The same steps, captured once and launched as one.

    Args:
        stream: see `EnqueuedGround`.
        image: see `EnqueuedGround`.
        run: see `EnqueuedGround`; it can be captured.
        pool: GPU memory pool, from `torch.cuda.graph_pool_handle`. Graphs that run one after the
            other share it, since their outputs are downloaded within the graph.
    """

    def __init__(
        self,
        stream: torch.cuda.Stream,
        image: Tensor,
        run: Callable[[], Sequence[Tensor]],
        pool: Any,
    ) -> None:
        super().__init__(stream, image, run)
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                self._enqueue()
        stream.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        # The capture allows other threads of the process to use the GPU meanwhile.
        with torch.cuda.graph(
            self._graph, pool=pool, stream=stream, capture_error_mode='thread_local'
        ):
            self._enqueue()

    def _launch(self) -> None:
        self._graph.replay()
