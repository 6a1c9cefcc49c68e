# SPDX-License-Identifier: Apache-2.0
"""Coarse-to-fine inference: zoom stages, crop windows, and merging with the whole image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.media.images import resize_to_input
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.calibrations import LEAST_WEIGHT, JsonFields, Ranges, log_probabilities
from afformer_core.runtime.demonstration import (
    CompactFeatures,
    Demonstration,
    DemonstrationMemory,
    EncodedFrames,
)
from afformer_core.runtime.networks import EncodedImage, Networks, Output
from afformer_core.runtime.session import Decoded

Number = TypeVar('Number', bound=np.generic)


@dataclass(frozen=True)
class ZoomStage(JsonFields):
    """The zoom factors of one zoom stage, in which a model grounds again in a larger crop.

    At the model's input size, small elements show little detail, and the first heatmap often
    spreads over similar elements that are side by side. In a zoom stage the demonstration is
    memorized again from crops of its frames around the point of contact, and grounded again in a
    crop of the image around the peak found so far (see `refined`). A model may have several zoom
    stages.

    Attributes:
        demonstration_zoom: magnification of the frames in the crops, 1 to 8.
        image_zoom: magnification of the image in the crop, 1 to 8.
    """

    demonstration_zoom: float
    image_zoom: float

    _NAME = 'zoom stage'
    _RANGES: ClassVar[Ranges] = {'demonstration_zoom': (1, 8), 'image_zoom': (1, 8)}

    def __str__(self) -> str:
        """Describe the zoom factors."""
        return (
            f'{self.demonstration_zoom:g} times the demonstration, {self.image_zoom:g} the image'
        )


@dataclass(frozen=True)
class CropWindow:
    """A crop window of an image, in whole pixels of its heatmap.

    Attributes:
        top, left, height, width: the window, inside the heatmap, at least one pixel in each
            direction.
        size: (height, width) of the heatmap.
    """

    top: int
    left: int
    height: int
    width: int
    size: tuple[int, int]

    @classmethod
    def around_peak(cls, heatmap: FloatArray, zoom: float) -> CropWindow:
        """Place a window around the maximum of a heatmap [h, w], `zoom` times smaller than it."""
        height, width = heatmap.shape
        row, column = divmod(int(np.argmax(heatmap)), width)
        part_height, part_width = (max(1, round(side / zoom)) for side in (height, width))
        return cls(
            min(max(0, row - part_height // 2), height - part_height),
            min(max(0, column - part_width // 2), width - part_width),
            part_height,
            part_width,
            (height, width),
        )

    @property
    def in_heatmap(self) -> tuple[slice, slice]:
        """Rows and columns of the window in the heatmap."""
        return (slice(self.top, self.top + self.height), slice(self.left, self.left + self.width))

    def of_image(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """Return the window's rows and columns in an image of (height, width), one at least."""
        height, width = size
        rows, columns = self.in_heatmap
        return _scaled(rows, self.size[0], height), _scaled(columns, self.size[1], width)

    def crop(self, image: NDArray[Number]) -> NDArray[Number]:
        """Crop an image [H, W, ...] of any size to the window; at least one pixel."""
        height, width = image.shape[:2]
        return image[self.of_image((height, width))]


def crop_window(output: Output, configuration: AfformerConfiguration, zoom: float) -> CropWindow:
    """Return the crop window around the peak of the best action's heatmap."""
    best = _best_heatmap(output, configuration)
    return CropWindow.around_peak(output.heatmap_logits[best], zoom)


def _best_heatmap(output: Output, configuration: AfformerConfiguration) -> int:
    return int(np.argmax(output.action_logits)) if configuration.heatmap_per_action else 0


def refined(whole: Output, zoomed: FloatArray, window: CropWindow) -> Output:
    """Merge the heatmaps of a zoom stage with those of the whole image, whose other outputs stay.

    Each pixel of the crop window keeps half of its probability and gets the other half from the
    geometric mean of both heatmaps, normalised to the window's probability; outside the window
    nothing changes. A zoom stage that finds nothing therefore does little harm, and no peak
    outside the window is lost.

    Args:
        whole: output for the whole image, including the zoom stages before.
        zoomed: heatmap logits for the crop alone, of the same shape.
        window: window of the crop.
    """
    heatmaps = log_probabilities(whole.heatmap_logits)
    part = window.in_heatmap
    for heatmap, zoomed_heatmap in zip(heatmaps, zoomed, strict=True):
        before = heatmap[part]
        seen = cv2.resize(
            zoomed_heatmap, (window.width, window.height), interpolation=cv2.INTER_AREA
        )
        both = log_probabilities((before + seen)[None] / 2)[0]
        share = np.log(np.exp(before).sum(dtype=np.float64))
        heatmap[part] = np.logaddexp(before, both + share) - math.log(2)
    return whole._replace(heatmap_logits=heatmaps)


def _scaled(part: slice, side: int, length: int) -> slice:
    """Scale a part of a side to a side of another length."""
    start = min(round(part.start * length / side), length - 1)
    return slice(start, max(start + 1, round(part.stop * length / side)))


# Nats: rounding, which differs between backends, does not decide between demonstrations.
_SAME_AGREEMENT = 1e-3


@dataclass(frozen=True)
class CoarseToFine:
    """Coarse-to-fine inference: the whole image first, then each zoom stage.

    Attributes:
        networks: networks of the model, of which the decoder's runs the zoom stages.
        zoomed: the zoom stages, in order; empty if there are none.
    """

    networks: Networks
    zoomed: tuple[ZoomStage, ...]

    def memorize_zoomed(
        self, encoded: EncodedFrames, first_frame: EncodedImage, memory: DemonstrationMemory
    ) -> tuple[CompactFeatures, ...]:
        """Compute the features of each zoom stage, from crops around the point of contact.

        Args:
            encoded: the frames that the model keeps.
            first_frame: the first of them, encoded. The hand is not yet in it, so that the
                element is not hidden.
            memory: memory of the whole frames.
        """
        if not self.zoomed:
            return ()
        output = self.networks.ground(first_frame, memory)
        features: list[CompactFeatures] = []
        for stage in self.zoomed:
            window = crop_window(output, self.networks.configuration, stage.demonstration_zoom)
            crops = [self._cropped(image, window) for image in encoded.images]
            encoded_crops = self.networks.decoder.encode_frames(np.stack(crops))
            features.append(self.networks.memorize_features(encoded_crops))
            if len(features) < len(self.zoomed):
                seen = self._decoded(crops[0], features[-1])
                output = refined(output, seen.heatmap_logits, window)
        return tuple(features)

    def ground(self, image: EncodedImage, shown: Sequence[Demonstration]) -> Output:
        """Ground demonstrations in an image, coarse to fine; action scores are means over stages.

        Args:
            image: the image.
            shown: demonstrations of one skill, at least one. The image is encoded once for all of
                them, and their logits are averaged. The zoom stages ground the one whose heatmap
                agrees most with the mean. None runs if a demonstration was memorized with fewer
                zoom stages, or if the matching network outweighs the decoder, which runs them.
        """
        outputs = [self.networks.ground(image, demonstration.memory) for demonstration in shown]
        output = Output.mean(outputs)
        if not self.zoomed:
            return output
        if any(len(demonstration.zoom_features) < len(self.zoomed) for demonstration in shown):
            return output
        if output.decoder_weight < LEAST_WEIGHT:
            return output
        zoom_features = shown[_most_typical(outputs, output)].zoom_features
        logits = [output.action_logits]
        for stage, features in zip(self.zoomed, zoom_features, strict=False):
            window = crop_window(output, self.networks.configuration, stage.image_zoom)
            zoomed = self._decoded(self._cropped(image.image, window), features)
            output = refined(output, zoomed.heatmap_logits, window)
            logits.append(zoomed.action_logits)
        activation = self.networks.configuration.action_activation
        return output._replace(action_logits=of_mean_scores(logits, activation))

    def _decoded(self, crop: UInt8Array, features: CompactFeatures) -> Decoded:
        """Ground the memory of features in a crop."""
        return self.networks.decode(self.networks.decoder.encode_image(crop), features)

    def _cropped(self, image: NDArray[Any], window: CropWindow) -> UInt8Array:
        return resize_to_input(window.crop(image), self.networks.configuration.input_size)


def _most_typical(outputs: Sequence[Output], mean: Output) -> int:
    """Return the index of the first output whose heatmaps agree most with the mean of all."""
    shares = np.exp(log_probabilities(mean.heatmap_logits))
    agreements = np.array(
        [(shares * log_probabilities(output.heatmap_logits)).sum() for output in outputs]
    )
    return int(np.argmax(agreements >= agreements.max() - _SAME_AGREEMENT))


def of_mean_scores(stages: Sequence[FloatArray], activation: str) -> FloatArray:
    """Compute the action logits [A] whose scores are the mean of the scores of several stages.

    Args:
        stages: action logits [A] of each stage, at least one.
        activation: function from logits to scores, 'softmax' or 'sigmoid'.
    """
    logits = np.stack(stages).astype(np.float64)
    if activation == 'sigmoid':
        positive, negative = (-np.logaddexp(0, -sign * logits) for sign in (1, -1))
        odds = np.logaddexp.reduce(positive, axis=0) - np.logaddexp.reduce(negative, axis=0)
        return np.asarray(odds, dtype=np.float32)
    shares = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    mean = np.logaddexp.reduce(shares, axis=0) - np.log(len(logits))
    return np.asarray(mean, dtype=np.float32)
