# SPDX-License-Identifier: Apache-2.0
"""Variants of inference that a benchmark compares."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.runtime import BACKENDS
from afformer_core.runtime.backends import GPU_BACKENDS, GRAPH_BACKENDS, PRECISIONS, is_installed
from afformer_core.runtime.graphs import precision_of_graphs

_LABELS = {
    'recompute': 'recomputing everything, CPU',
    'recompute-cuda': 'recomputing everything, GPU',
    'torch': 'afformer, PyTorch, CPU',
    'onnxruntime': 'afformer, ONNX Runtime, CPU',
    'openvino': 'afformer, OpenVINO, CPU',
    'torch-cuda': 'afformer, PyTorch, GPU',
    'onnxruntime-cuda': 'afformer, ONNX Runtime by CUDA, GPU',
    'tensorrt': 'afformer, TensorRT, GPU',
}
_ON_GPU = ('recompute-cuda', *GPU_BACKENDS)


@dataclass(frozen=True)
class InferenceVariant:
    """Backend and precision of a measurement.

    Attributes:
        backend: 'recompute' or 'recompute-cuda', which recompute everything for each image, on the
            CPU or on the GPU; or one of `BACKENDS` except 'auto'.
        precision: one of `PRECISIONS` except 'auto'.

    Raises:
        ValueError: the backend or precision is unknown, or they are incompatible.
    """

    backend: str
    precision: str

    def __post_init__(self) -> None:
        if self.backend not in _LABELS or self.precision not in PRECISIONS[1:]:
            raise ValueError(
                f'variant is {self.backend}:{self.precision}; expected one of '
                f'{", ".join(_LABELS)}, a colon, and one of {", ".join(PRECISIONS[1:])}'
            )
        if self.recomputes and self.precision not in ('fp32', 'fp16'):
            raise ValueError(
                f'precision of {self.backend} is {self.precision}; expected fp32 or fp16'
            )

    @classmethod
    def parse(cls, text: str) -> InferenceVariant:
        """Parse a variant from text such as 'onnxruntime:fp32'."""
        backend, _, precision = text.partition(':')
        return cls(backend, precision)

    @property
    def text(self) -> str:
        """Text that `parse` reads."""
        return f'{self.backend}:{self.precision}'

    @property
    def label(self) -> str:
        """Display name."""
        return f'{_LABELS[self.backend]} {self.precision}'

    @property
    def recomputes(self) -> bool:
        """Whether it recomputes everything for each image."""
        return self.backend not in BACKENDS

    @property
    def on_gpu(self) -> bool:
        """Whether it needs an NVIDIA GPU."""
        return self.backend in _ON_GPU

    @property
    def needs_graphs(self) -> bool:
        """Whether it runs exported graphs."""
        return self.backend in GRAPH_BACKENDS

    @property
    def precision_of_graphs(self) -> str:
        """Precision of these graphs."""
        return precision_of_graphs(self.backend, self.precision)


_ALWAYS = (
    'recompute:fp32',
    'torch:fp32',
    'onnxruntime:fp32',
    'recompute-cuda:fp16',
    'torch-cuda:fp32',
    'torch-cuda:fp16',
    'tensorrt:fp16',
)
_IF_INSTALLED = {
    'openvino': ('openvino:fp32', 'openvino:bf16'),
    'onnxruntime-cuda': ('onnxruntime-cuda:fp32', 'onnxruntime-cuda:fp16'),
}


def default_variants() -> tuple[InferenceVariant, ...]:
    """List the variants to compare by default, on the CPU first.

    Libraries and providers that a user has to choose are among them if they are installed.
    """
    installed = [
        text for backend, texts in _IF_INSTALLED.items() if is_installed(backend) for text in texts
    ]
    variants = [InferenceVariant.parse(text) for text in (*_ALWAYS, *installed)]
    return tuple(sorted(variants, key=lambda variant: variant.on_gpu))
