# SPDX-License-Identifier: Apache-2.0
"""Grounding recorded as one CUDA graph: an image costs one upload, one launch, one download."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from afformer_core.runtime.session import Memory, Output, UInt8Array

# Libraries allocate and choose their kernels in the first runs, which a graph cannot record.
_WARM_UP = 3
# Three looks of each of eight demonstrations; what is not used any more goes within as many uses.
_REMEMBERED = 24


class RecordedGround:
    """Grounds images of one shape in one memory.

    Args:
        stream: in which everything runs.
        memory: that `run` grounds; kept to tell whether another is asked for.
        image: uint8 RGB [h, w, 3] on the GPU, from which `run` reads.
        run: computes in the current stream; gives what `Session.ground` gives, on the GPU.
    """

    def __init__(
        self,
        stream: torch.cuda.Stream,
        memory: Memory,
        image: Tensor,
        run: Callable[[], Sequence[Tensor]],
    ) -> None:
        self._stream = stream
        self._memory = memory
        self._shape = tuple(image.shape)
        self._pinned_image = torch.zeros(self._shape, dtype=torch.uint8, pin_memory=True)
        with torch.cuda.stream(stream):
            outputs: Sequence[Tensor] = ()
            for _ in range(_WARM_UP):
                outputs = run()
        stream.synchronize()
        self._pinned = [
            torch.empty(tuple(one.shape), dtype=one.dtype, pin_memory=True) for one in outputs
        ]
        self._graph = torch.cuda.CUDAGraph()
        # Other threads of the process may use the GPU meanwhile.
        with torch.cuda.graph(self._graph, stream=stream, capture_error_mode='thread_local'):
            image.copy_(self._pinned_image, non_blocking=True)
            # They live as long as the graph, which writes to them.
            self._outputs = run()
            for pinned, tensor in zip(self._pinned, self._outputs, strict=True):
                pinned.copy_(tensor, non_blocking=True)

    def suits(self, image: UInt8Array, memory: Memory) -> bool:
        """Whether this is of that very memory, and of that image's shape."""
        return self._memory is memory and self._shape == image.shape

    def __call__(self, image: UInt8Array) -> Output:
        """Ground an image."""
        self._pinned_image.copy_(torch.from_numpy(image))
        with torch.cuda.stream(self._stream):
            self._graph.replay()
        self._stream.synchronize()
        # The next image overwrites the buffers.
        return Output(*(tensor.float().numpy().copy() for tensor in self._pinned))


class LastRecordedGrounds:
    """Grounds images in any memory; those that were grounded lately stay recorded.

    They are several since each image is looked at several times, in a memory of its own for each
    look and each demonstration.

    Args:
        record: records the grounding of an image's shape in a memory.
    """

    def __init__(self, record: Callable[[UInt8Array, Memory], RecordedGround]) -> None:
        self._record = record
        # The last ones, oldest first; one that was used twice stands there twice.
        self._used: list[RecordedGround] = []

    def __call__(self, image: UInt8Array, memory: Memory) -> Output:
        """Ground an image."""
        recorded = next((one for one in self._used if one.suits(image, memory)), None)
        # What goes does so first, lest its memory must fit beside the new one.
        del self._used[: 1 - _REMEMBERED]
        if recorded is None:
            recorded = self._record(image, memory)
        self._used.append(recorded)
        return recorded(image)
