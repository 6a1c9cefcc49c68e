# SPDX-License-Identifier: Apache-2.0
"""Sessions that run networks with PyTorch, on the CPU or on an NVIDIA GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.models.afformer import Afformer
from afformer_core.models.backbone_levels import is_timm
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.fuse_batch_norm import fold_batch_norms
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.models.precision import convert_precision
from afformer_core.runtime.features import Stages
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory
from afformer_core.runtime.sessions.gpu import why_no_gpu
from afformer_core.runtime.weights import load_matching_network, load_model

if TYPE_CHECKING:
    from typing_extensions import Self

# More frames would use GPU memory that other nodes of the robot need.
_MOST_FRAMES_ON_GPU = 8


class TorchSession:
    """A network that runs with PyTorch on the CPU.

    Args:
        model: network ready for inference (see `prepared_model`).
        threads: number of threads of PyTorch's operators in this process; 0: unchanged.
    """

    backend = 'torch'
    _device = 'cpu'

    def __init__(self, model: Afformer, threads: int = 0) -> None:
        if threads > 0:
            torch.set_num_threads(threads)
        self._model = model.to(self._device)
        self._dtype = model.encoder.mean.dtype

    @classmethod
    def load(cls, folder: Path, threads: int = 0, precision: str = 'fp32') -> Self:
        """Load a model folder.

        Raises:
            ModelFolderError: the folder does not contain a valid model.
            ValueError: the precision does not suit the model.
        """
        return cls(prepared_model(folder, precision), threads)

    @torch.inference_mode()
    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        on_device = torch.from_numpy(frames).to(self._device)
        return self._model.encode_frames(on_device).cpu().numpy()

    @torch.inference_mode()
    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        memory = self._model.memorize(torch.from_numpy(features)[None].to(self._device))
        return Memory(
            tuple(_array(keys[0]) for keys in memory.keys),
            tuple(_array(values[0]) for values in memory.values),
        )

    @torch.inference_mode()
    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        """Encode an image (see `Session.encode_image`)."""
        on_device = torch.from_numpy(image)[None].to(self._device)
        levels, features = self._model.encode_images(on_device)
        return EncodedLevels(image, levels, features[0].cpu().numpy())

    @torch.inference_mode()
    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        """Ground a memory in an image (see `Session.decode`)."""
        batch = VideoMemory.of_tensors(
            [torch.from_numpy(keys)[None].to(self._device, self._dtype) for keys in memory.keys],
            [
                torch.from_numpy(values)[None].to(self._device, self._dtype)
                for values in memory.values
            ],
            self._model.configuration.memory_sizes,
        )
        heatmaps, actions = self._model.ground_levels(image.levels, batch)
        return Decoded(heatmaps[0].cpu().numpy(), actions[0].cpu().numpy())


class CudaSession(TorchSession):
    """A network that runs with PyTorch on an NVIDIA GPU.

    Args:
        model: see `TorchSession`; it moves to the GPU.
        threads: see `TorchSession`.
    """

    backend = 'torch-cuda'
    _device = 'cuda'

    @classmethod
    def load(cls, folder: Path, threads: int = 0, precision: str = 'fp32') -> Self:
        """Load a model folder; `open_networks` tests the outputs.

        Raises:
            ModelFolderError: the folder does not contain a valid model, or there is no GPU.
            ValueError: the precision does not suit the model.
        """
        _require_gpu(cls.backend)
        return super().load(folder, threads, precision)

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        parts = []
        with _exact_products():
            for first in range(0, len(frames), _MOST_FRAMES_ON_GPU):
                part = frames[first : first + _MOST_FRAMES_ON_GPU]
                parts.append(super().encode_frames(part))
        return np.concatenate(parts)

    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        with _exact_products():
            return super().memorize(features)

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        """Encode an image (see `Session.encode_image`)."""
        with _exact_products():
            return super().encode_image(image)

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        """Ground a memory in an image (see `Session.decode`)."""
        with _exact_products():
            return super().decode(image, memory)


class TorchMatchingSession:
    """A matching network that runs with PyTorch on the CPU.

    Args:
        network: network ready for inference (see `prepared_matching_network`).
        threads: number of threads of PyTorch's operators in this process; 0: unchanged.
    """

    backend = 'torch'
    _device = 'cpu'

    def __init__(self, network: MatchingNetwork, threads: int = 0) -> None:
        if threads > 0:
            torch.set_num_threads(threads)
        self._network = network.to(self._device)

    @classmethod
    def load(cls, folder: Path, threads: int = 0, precision: str = 'fp32') -> Self:
        """Load the folder of a matching network.

        Raises:
            ModelFolderError: the folder does not contain a valid matching network.
        """
        return cls(prepared_matching_network(folder, precision), threads)

    @torch.inference_mode()
    def encode(self, images: UInt8Array) -> Stages:
        """Compute the stages of images (see `MatchingSession.encode`)."""
        stages = self._network.encode(torch.from_numpy(images).to(self._device))
        return tuple(stage.cpu().numpy() for stage in stages)

    @torch.inference_mode()
    def find_contact(self, stages: Stages) -> FloatArray:
        """Find the contact of a demonstration (see `MatchingSession.find_contact`)."""
        tensors = [torch.from_numpy(stage)[None].to(self._device) for stage in stages]
        found: FloatArray = self._network.map_contact(tensors)[0].cpu().numpy()
        return found


class CudaMatchingSession(TorchMatchingSession):
    """A matching network that runs with PyTorch on an NVIDIA GPU; see `TorchMatchingSession`."""

    backend = 'torch-cuda'
    _device = 'cuda'

    @classmethod
    def load(cls, folder: Path, threads: int = 0, precision: str = 'fp32') -> Self:
        """Load the folder of a matching network; `open_networks` tests the outputs.

        Raises:
            ModelFolderError: the folder does not contain a valid matching network, or there is no
                GPU.
        """
        _require_gpu(cls.backend)
        return super().load(folder, threads, precision)

    def encode(self, images: UInt8Array) -> Stages:
        """Compute the stages of images (see `MatchingSession.encode`)."""
        parts = []
        with _exact_products():
            for first in range(0, len(images), _MOST_FRAMES_ON_GPU):
                parts.append(super().encode(images[first : first + _MOST_FRAMES_ON_GPU]))
        return tuple(np.concatenate(stage) for stage in zip(*parts, strict=True))

    def find_contact(self, stages: Stages) -> FloatArray:
        """Find the contact of a demonstration (see `MatchingSession.find_contact`)."""
        with _exact_products():
            return super().find_contact(stages)


def _require_gpu(backend: str) -> None:
    if not torch.cuda.is_available():
        raise ModelFolderError(f'backend {backend!r} needs an NVIDIA GPU: {why_no_gpu()}')


def prepared_model(folder: Path, precision: str) -> Afformer:
    """Load the network of a model folder, ready for inference in a precision."""
    model = load_model(folder)
    _prepare(model, precision)
    return model


def prepared_matching_network(folder: Path, precision: str) -> MatchingNetwork:
    """Load the matching network of a folder, ready for inference in a precision."""
    network = load_matching_network(folder)
    _prepare(network, precision)
    return network


def _prepare(network: Afformer | MatchingNetwork, precision: str) -> None:
    # In a network of timm, a norm may belong to another convolution than the one listed before it.
    if not is_timm(network.configuration.backbone):
        for encoder in network.encoders:
            fold_batch_norms(encoder)
    network.freeze_tables()
    convert_precision(network, precision)


def _array(tensor: torch.Tensor) -> FloatArray:
    # NumPy has no bf16.
    array: FloatArray = (
        (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy()
    )
    return array


@contextmanager
def _exact_products() -> Iterator[None]:
    """Prevent cuDNN and cuBLAS from rounding factors of fp32 to the 10 bits of TF32."""
    matmul = torch.backends.cuda.matmul
    allowed = matmul.allow_tf32
    matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        matmul.allow_tf32 = allowed
