# SPDX-License-Identifier: Apache-2.0
"""Golden outputs: reference inputs and outputs, to test whatever runs a model.

A compiled engine may be wrong without an error: fused attention that sums wrongly on one GPU, a
norm that overflows in half precision, a graph that reads an earlier memory. A session that does
not reproduce the golden outputs is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import write_aside
from afformer_core.runtime.session import Output, Session

GOLDEN_OUTPUTS_FILE = 'golden_outputs.safetensors'
# Largest difference of each precision from PyTorch in fp32, of 'int8' from the quantized graphs in
# ONNX Runtime. The small model on simulated images and noise differs by up to 0.013 in fp16 and
# 0.11 in bf16.
TOLERANCES = {'fp32': 1e-4, 'fp16': 3e-2, 'bf16': 1.5e-1, 'int8': 1e-1}
# The same on a GPU, whose fastest convolutions transform their factors. TF32 differs by 5e-3.
GPU_TOLERANCES = {**TOLERANCES, 'fp32': 1e-3}


class SelfTestError(ModelFolderError):
    """A session that does not reproduce the golden outputs."""


@dataclass(frozen=True)
class GoldenOutputs:
    """One image in several demonstrations, and the outputs of PyTorch for them in fp32.

    For precision 'int8' the outputs are those of the quantized graphs (see `export_quantized`).

    Attributes:
        frames: uint8 RGB [N, h, w, 3].
        clips: the demonstrations, each as the numbers of its frames, in order.
        image: uint8 RGB [h, w, 3].
        features: features of the frames, float32 [N, C, rows, columns].
        heatmap_logits: float32 [clips, heatmaps, h, w], of the image in each demonstration.
        action_logits: float32 [clips, actions].
        image_features: float32 [C, rows, columns].

    Raises:
        ValueError: the lengths differ or are 0, or a clip names frames that do not exist.
    """

    frames: UInt8Array
    clips: tuple[tuple[int, ...], ...]
    image: UInt8Array
    features: FloatArray
    heatmap_logits: FloatArray
    action_logits: FloatArray
    image_features: FloatArray

    def __post_init__(self) -> None:
        counts = len(self.clips), len(self.heatmap_logits), len(self.action_logits)
        if 0 in counts or len(set(counts)) > 1:
            raise ValueError(
                f'there are {counts[0]} demonstrations, {counts[1]} heatmaps and {counts[2]} '
                'actions; expected as many of each, at least one'
            )
        wrong = [one for clip in self.clips for one in clip if not 0 <= one < len(self.frames)]
        if wrong or not all(self.clips):
            raise ValueError(
                f'the unknown frames of demonstrations are {wrong}; expected at least one frame '
                f'in each, from 0 to {len(self.frames) - 1}'
            )

    @classmethod
    def of(
        cls,
        session: Session,
        frames: UInt8Array,
        image: UInt8Array,
        clips: Sequence[Sequence[int]],
    ) -> GoldenOutputs:
        """Compute the outputs of a session for an image in demonstrations of frames."""
        features = session.encode_frames(frames)
        outputs = [session.ground(image, session.memorize(features[list(one)])) for one in clips]
        return cls(
            frames,
            tuple(map(tuple, clips)),
            image,
            features,
            np.stack([one.heatmap_logits for one in outputs]),
            np.stack([one.action_logits for one in outputs]),
            outputs[0].image_features,
        )

    def output(self, number: int) -> Output:
        """Return the output for the image in a demonstration, by its number."""
        return Output(self.heatmap_logits[number], self.action_logits[number], self.image_features)

    def write(self, folder: Path) -> None:
        """Write the golden outputs into a folder, whole or not at all."""
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        arrays['clip_frames'] = np.concatenate([np.asarray(one, np.int64) for one in self.clips])
        arrays['clip_lengths'] = np.array([len(one) for one in self.clips], np.int64)
        write_aside(folder / GOLDEN_OUTPUTS_FILE, save(arrays))

    @classmethod
    def read(cls, folder: Path) -> GoldenOutputs:
        """Read the golden outputs of a folder.

        Raises:
            ModelFolderError: there are none, or the file is damaged or of another version.
        """
        path = folder / GOLDEN_OUTPUTS_FILE
        try:
            arrays = load_file(path)
            ends = np.cumsum(arrays['clip_lengths'])[:-1]
            clips = tuple(tuple(one.tolist()) for one in np.split(arrays['clip_frames'], ends))
            return cls(clips=clips, **{name: arrays[name] for name in _ARRAYS})
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelFolderError(
                f'{path} cannot be read: {error}. Run: afformer export {folder}'
            ) from error


_ARRAYS = ('frames', 'image', 'features', 'heatmap_logits', 'action_logits', 'image_features')


def self_test(session: Session, golden: GoldenOutputs, tolerance: float) -> float:
    """Compare the outputs of a session with the golden outputs.

    Every demonstration is grounded twice, with frames encoded in between, since a session may keep
    buffers of one demonstration and wrongly read them for another. Features and action logits
    differ by the largest difference as a share of the largest value, heatmaps by the share of
    probability that lies elsewhere.

    Returns:
        the largest of these differences.

    Raises:
        SelfTestError: it is above the tolerance, or not finite.
    """
    features = session.encode_frames(golden.frames)
    memories = [session.memorize(features[list(clip)]) for clip in golden.clips]
    differences = [('frame features', _difference(features, golden.features))]
    for _ in range(2):
        for number, memory in enumerate(memories):
            found = session.ground(golden.image, memory)
            differences += _output_differences(found, golden.output(number))
        features = session.encode_frames(golden.frames)
        differences.append(('frame features', _difference(features, golden.features)))
    name, worst = max(differences, key=lambda one: one[1])
    if worst > tolerance:
        raise SelfTestError(
            f'{session.backend} does not reproduce the golden outputs: the difference in {name} '
            f'is {worst:.1e}; expected at most {tolerance:.1e}. Choose another precision or '
            'another backend'
        )
    return worst


def _output_differences(found: Output, expected: Output) -> list[tuple[str, float]]:
    return [
        ('image features', _difference(found.image_features, expected.image_features)),
        ('actions', _difference(found.action_logits, expected.action_logits)),
        ('heatmaps', _elsewhere(found.heatmap_logits, expected.heatmap_logits)),
    ]


def _difference(found: FloatArray, expected: FloatArray) -> float:
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float('inf')
    if expected.size == 0:
        # A model that scores no actions has no action logits.
        return 0.0
    return float(np.abs(found - expected).max() / max(float(np.abs(expected).max()), 1e-6))


def _elsewhere(found: FloatArray, expected: FloatArray) -> float:
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float('inf')
    differences = np.abs(_probabilities(found) - _probabilities(expected))
    return 0.5 * float(differences.sum(axis=(1, 2)).max())


def _probabilities(logits: FloatArray) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=(1, 2), keepdims=True), dtype=np.float64)
    return np.asarray(powers / powers.sum(axis=(1, 2), keepdims=True))
