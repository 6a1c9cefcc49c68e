# SPDX-License-Identifier: Apache-2.0
"""The self-test of a session against golden outputs: reference inputs and outputs.

A compiled engine can be wrong without raising an error: fused attention that sums incorrectly on
one GPU, a norm that overflows in half precision, a graph that reads an earlier memory. A session
that does not reproduce the golden outputs is not used. The self-test compares the results of a
grounding: heatmap, peak, action scores and presence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import write_aside
from afformer_core.runtime.calibrations import (
    PresenceCalibration,
    PresenceFeatures,
    log_probabilities,
)
from afformer_core.runtime.demonstration import Demonstration, EncodedFrames
from afformer_core.runtime.grounding import Prediction, action_scores
from afformer_core.runtime.model_folder import ModelDescription
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.peaks import find_peaks

GOLDEN_OUTPUTS_FILE = 'golden_outputs.safetensors'

# Peaks of a golden heatmap whose score is at least this share of the best score are accepted as
# the best one.
_AS_GOOD = 0.8
_MOST_PEAKS = 16
# Coefficients for a model that is not calibrated, close to those of the shipped model.
_ASSUMED = PresenceCalibration(0.5, 20.0, -13.0, 1 / 3, 1.0, 1, '', '')


@dataclass(frozen=True)
class Differences:
    """Differences between groundings, or the largest allowed differences.

    Attributes:
        heatmap: share of the probability of a network's heatmap that lies at other pixels, 0 to 1.
        peak: distance from the best peak to the nearest golden peak whose score is close to the
            best one's, in pixels of the heatmap.
        actions: largest difference of the score of an action, 0 to 1.
        presence: largest possible difference of presence, which occurs near 0.5, 0 to 1.
    """

    heatmap: float
    peak: float
    actions: float
    presence: float

    def __str__(self) -> str:
        return (
            f'{self.heatmap:.2g} of the heatmap lies elsewhere, the peak moves by {self.peak:.2g} '
            f'pixels, an action score by {self.actions:.2g} and presence by {self.presence:.2g}'
        )

    @classmethod
    def largest(cls, each: Sequence[Differences]) -> Differences:
        """Return the largest difference of each kind among one or more."""
        return cls(*(max(values) for values in zip(*map(astuple, each), strict=True)))

    def beyond(self, allowed: Differences) -> str:
        """List the differences beyond the allowed ones, with both numbers; empty if none."""
        bounds = asdict(allowed)
        return ', '.join(
            f'{name} by {value:.2g} (at most {bounds[name]:g})'
            for name, value in asdict(self).items()
            # NaN is not allowed either.
            if not value <= bounds[name]
        )


# Largest differences from PyTorch in fp32.
# They are 1.7 to ten times those of the shipped model's networks (docs/robot/backends.md), and
# below those of weights that are 3 % off.
TOLERANCES = {
    'fp32': Differences(heatmap=1e-4, peak=0.05, actions=1e-4, presence=0.01),
    'fp16': Differences(heatmap=0.015, peak=0.5, actions=0.01, presence=0.05),
    'bf16': Differences(heatmap=0.08, peak=1.0, actions=0.06, presence=0.15),
}
# The same on a GPU, whose fastest convolutions transform their factors.
GPU_TOLERANCES = {
    **TOLERANCES,
    'fp32': Differences(heatmap=1e-3, peak=0.05, actions=1e-3, presence=0.01),
}


class SelfTestError(ModelFolderError):
    """Raised if a session does not reproduce the golden outputs."""


@dataclass(frozen=True)
class GoldenOutputs:
    """One image, several demonstrations, and the outputs of PyTorch in fp32 for them.

    Attributes:
        frames: uint8 RGB [N, h, w, 3].
        clips: the demonstrations, each as the indices of its frames, in order.
        image: uint8 RGB [h, w, 3].
        heatmap_logits: float32 [clips, heatmaps, h', w'], of the image in each demonstration:
            those of the decoder, and last that of the matching network if there is one.
        action_logits: float32 [clips, actions].
        presence_features: float64 [clips, 2], in the order of `PresenceFeatures`.
    """

    frames: UInt8Array
    clips: tuple[tuple[int, ...], ...]
    image: UInt8Array
    heatmap_logits: FloatArray
    action_logits: FloatArray
    presence_features: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        networks: Networks,
        frames: UInt8Array,
        image: UInt8Array,
        clips: Sequence[Sequence[int]],
    ) -> GoldenOutputs:
        """Compute the outputs of networks for an image in demonstrations of frames."""
        demonstrations = _demonstrations(networks, frames, clips)
        answers = [_answer(networks, image, demonstration) for demonstration in demonstrations]
        return cls(
            frames,
            tuple(map(tuple, clips)),
            image,
            np.stack([answer.heatmap_logits for answer in answers]),
            np.stack([answer.action_logits for answer in answers]),
            np.array([astuple(answer.presence_features) for answer in answers]),
        )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of image and frames."""
        return int(self.image.shape[0]), int(self.image.shape[1])

    def write(self, folder: Path) -> None:
        """Write the golden outputs into a folder atomically."""
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        images = np.concatenate([*self.frames, self.image])
        arrays['frame_count'] = np.array(len(self.frames))
        arrays['images_png'] = cv2.imencode('.png', images)[1].ravel()
        arrays['clip_frames'] = np.concatenate([np.asarray(clip, np.int64) for clip in self.clips])
        arrays['clip_lengths'] = np.array([len(clip) for clip in self.clips], np.int64)
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
            clips = tuple(tuple(part.tolist()) for part in np.split(arrays['clip_frames'], ends))
            images = np.asarray(cv2.imdecode(arrays['images_png'], cv2.IMREAD_COLOR), np.uint8)
            *frames, image = np.split(images, int(arrays['frame_count']) + 1)
            return cls(np.stack(frames), clips, image, *(arrays[name] for name in _ARRAYS))
        except (OSError, SafetensorError, KeyError, ValueError, cv2.error) as error:
            raise ModelFolderError(
                f'{path} cannot be read: {error}. Run: afformer export {folder}'
            ) from error


_ARRAYS = ('heatmap_logits', 'action_logits', 'presence_features')


def self_test(
    networks: Networks, golden: GoldenOutputs, allowed: Differences, description: ModelDescription
) -> Differences:
    """Compare the groundings of a session with the golden ones.

    Every demonstration is grounded twice, and frames are encoded in between, because a session
    might read the buffers of one demonstration for another.

    Args:
        networks: networks of the model.
        golden: golden outputs of the same networks.
        allowed: largest allowed differences.
        description: description of the model.

    Returns:
        the largest differences.

    Raises:
        SelfTestError: a difference is larger than allowed, or not finite.
    """
    demonstrations = _demonstrations(networks, golden.frames, golden.clips)
    differences = []
    for _ in range(2):
        for number, shown in enumerate(demonstrations):
            found = _answer(networks, golden.image, shown)
            differences.append(_difference(found, golden, number, description))
        networks.encode_frames(golden.frames)
    worst = Differences.largest(differences)
    if wrong := worst.beyond(allowed):
        raise SelfTestError(
            f'{networks.backend} does not reproduce the golden outputs, it differs in {wrong}. '
            'Choose another precision or another backend'
        )
    return worst


def _demonstrations(
    networks: Networks, frames: UInt8Array, clips: Sequence[Sequence[int]]
) -> list[Demonstration]:
    features = networks.encode_frames(frames)
    shown = []
    for number, clip in enumerate(clips):
        encoded = EncodedFrames(frames[list(clip)], features.select(clip))
        # The decoder is tested even if the matching network alone would ground the drawings.
        first_frame = networks.encode_image(encoded.images[0])
        memory = replace(networks.memorize(encoded, first_frame), decoder_weight=1.0)
        shown.append(Demonstration.of(str(number), len(clip), encoded, memory))
    return shown


class _Answer(NamedTuple):
    """What is compared of one grounding.

    The heatmaps are those of each network, because the weights of their mean would amplify small
    differences, and hide those of the network that is outweighed.
    """

    heatmap_logits: FloatArray
    action_logits: FloatArray
    presence_features: PresenceFeatures


def _answer(networks: Networks, image: UInt8Array, shown: Demonstration) -> _Answer:
    encoded = networks.encode_image(image)
    heatmaps = networks.decode(encoded.levels, shown.memory.decoder).heatmap_logits
    if shown.memory.matching is not None:
        match = shown.memory.matching.match(encoded.pyramid, networks.configuration.heatmap_size)
        heatmaps = np.concatenate((heatmaps, match.logits[None]))
    output = networks.ground(encoded, shown.memory)
    computed = heatmaps, output.heatmap_logits, output.action_logits, encoded.features
    if not all(np.isfinite(array).all() for array in computed):
        return _Answer(heatmaps, output.action_logits, PresenceFeatures(math.nan, math.nan))
    prediction = Prediction.of(output, [shown], networks.configuration)
    height, width = prediction.probabilities.shape
    confidence = prediction.peaks((height, width), 1)[0].score
    return _Answer(heatmaps, output.action_logits, prediction.presence_features(confidence))


def _difference(
    found: _Answer, golden: GoldenOutputs, number: int, description: ModelDescription
) -> Differences:
    configuration = description.configuration
    heatmaps, actions = golden.heatmap_logits[number], golden.action_logits[number]
    fits = found.heatmap_logits.shape == heatmaps.shape
    features = found.presence_features
    if not fits or found.action_logits.shape != actions.shape or math.isnan(features.confidence):
        return Differences(*(math.inf,) * 4)
    best = int(np.argmax(actions)) if configuration.heatmap_per_action else 0
    scores = [action_scores(logits, configuration) for logits in (found.action_logits, actions)]
    calibration = description.valid_calibrations.presence or _ASSUMED
    expected = PresenceFeatures(*golden.presence_features[number].tolist())
    return Differences(
        *heatmap_differences(found.heatmap_logits, heatmaps, best),
        max((abs(scores[0][name] - score) for name, score in scores[1].items()), default=0.0),
        # A difference of log-odds changes a probability most at 0.5.
        math.tanh(abs(calibration.odds(features) - calibration.odds(expected)) / 4),
    )


def heatmap_differences(found: FloatArray, golden: FloatArray, best: int) -> tuple[float, float]:
    """Compare logits [heatmaps, h, w]: `heatmap` and `peak` of `Differences`.

    Args:
        found, golden: logits of the same shape.
        best: index of the heatmap whose peaks are compared.
    """
    if not np.isfinite(found).all():
        return math.inf, math.inf
    here, there = (np.exp(log_probabilities(logits)) for logits in (found, golden))
    elsewhere = 0.5 * float(np.abs(here - there).sum(axis=(1, 2)).max())
    return elsewhere, _peak_distance(here[best], there[best])


def _peak_distance(found: FloatArray, golden: FloatArray) -> float:
    height, width = golden.shape
    (here,) = find_peaks(found, (height, width), 1)
    there = find_peaks(golden, (height, width), _MOST_PEAKS)
    return min(
        math.hypot(here.u - peak.u, here.v - peak.v)
        for peak in there
        if peak.score >= _AS_GOOD * there[0].score
    )
