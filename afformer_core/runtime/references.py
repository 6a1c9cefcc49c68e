# SPDX-License-Identifier: Apache-2.0
"""What a model gives for one input, kept beside its graphs to test whatever runs them.

A compiled engine may be wrong without an error: fused attention that sums wrongly on one GPU, a
normalisation that left the range of half precision. A session that does not give this is not used.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.model_folder import write_aside
from afformer_core.runtime.session import FloatArray, Session, UInt8Array

REFERENCES_FILE = 'references.safetensors'
# How far each precision may be from PyTorch in fp32; 'int8' from the quantized graphs in ONNX
# Runtime. The small model on simulated images and on noise is up to 0.013 off in fp16 and 0.11 in
# bf16.
TOLERANCES = {'fp32': 1e-4, 'fp16': 3e-2, 'bf16': 1.5e-1, 'int8': 1e-1}


class SelfTestError(ModelFolderError):
    """A session does not give what the model gives."""


@dataclass(frozen=True)
class References:
    """One input, and what PyTorch gives for it in fp32 (for 'int8', see `export_quantized`).

    Attributes:
        frames: uint8 RGB [T, h, w, 3], a demonstration.
        image: uint8 RGB [h, w, 3].
        features: float32 [T, C, h / 8, w / 8], of the frames.
        heatmap_logits: float32 [heatmaps, h, w].
        action_logits: float32 [actions].
        image_features: float32 [C, h / 8, w / 8].
    """

    frames: UInt8Array
    image: UInt8Array
    features: FloatArray
    heatmap_logits: FloatArray
    action_logits: FloatArray
    image_features: FloatArray

    @classmethod
    def of(cls, session: Session, frames: UInt8Array, image: UInt8Array) -> References:
        """What a session gives for frames and an image."""
        features = session.encode_frames(frames)
        output = session.ground(image, session.memorize(features))
        return cls(frames, image, features, *output)

    def write(self, folder: Path) -> None:
        """Write them into a folder, whole or not at all."""
        arrays = {one.name: np.ascontiguousarray(getattr(self, one.name)) for one in fields(self)}
        write_aside(folder / REFERENCES_FILE, save(arrays))

    @classmethod
    def read(cls, folder: Path) -> References:
        """Those of a folder.

        Raises:
            ModelFolderError: there are none, or the file is damaged.
        """
        path = folder / REFERENCES_FILE
        try:
            arrays = load_file(path)
            return cls(**{one.name: arrays[one.name] for one in fields(cls)})
        except (OSError, SafetensorError, KeyError) as error:
            raise ModelFolderError(
                f'{path} cannot be read ({error}); run: afformer export {folder}'
            ) from error


def self_test(session: Session, references: References, tolerance: float) -> float:
    """Compare what a session gives with the references.

    Features and action logits differ by the largest difference as a share of the largest value,
    heatmaps by the probability that lies elsewhere.

    Returns:
        the largest of these differences.

    Raises:
        SelfTestError: it is above the tolerance, or not finite.
    """
    found = References.of(session, references.frames, references.image)
    differences = {
        'frame features': _difference(found.features, references.features),
        'image features': _difference(found.image_features, references.image_features),
        'actions': _difference(found.action_logits, references.action_logits),
        'heatmaps': _elsewhere(found.heatmap_logits, references.heatmap_logits),
    }
    worst = max(differences, key=lambda name: differences[name])
    if differences[worst] > tolerance:
        raise SelfTestError(
            f'{session.backend} does not give what the model gives: the difference in '
            f'{worst} is {differences[worst]:.1e}, more than {tolerance:.1e}'
        )
    return differences[worst]


def _difference(found: FloatArray, wanted: FloatArray) -> float:
    if found.shape != wanted.shape or not np.isfinite(found).all():
        return float('inf')
    if wanted.size == 0:
        # The action logits of a model that scores no actions.
        return 0.0
    return float(np.abs(found - wanted).max() / max(float(np.abs(wanted).max()), 1e-6))


def _elsewhere(found: FloatArray, wanted: FloatArray) -> float:
    if found.shape != wanted.shape or not np.isfinite(found).all():
        return float('inf')
    differences = np.abs(_probabilities(found) - _probabilities(wanted))
    return 0.5 * float(differences.sum(axis=(1, 2)).max())


def _probabilities(logits: FloatArray) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=(1, 2), keepdims=True), dtype=np.float64)
    return np.asarray(powers / powers.sum(axis=(1, 2), keepdims=True))
