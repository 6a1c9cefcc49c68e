# SPDX-License-Identifier: Apache-2.0
"""Grounding of demonstrations in images, both as arrays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.errors import DemonstrationError
from afformer_core.media.images import require_rgb, shrink_to
from afformer_core.media.polygons import Point
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.coarse_to_fine import CoarseToFine, ZoomStage
from afformer_core.runtime.demonstration import (
    Demonstration,
    EncodedFrames,
    FinishedDemonstrations,
)
from afformer_core.runtime.features import ImageFeatures
from afformer_core.runtime.frame_sampler import FrameSampler
from afformer_core.runtime.grounding import Grounding, Peak
from afformer_core.runtime.matching.certainty import CertaintyCalibration, DecoderCertainty
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.networks import EncodedImage, Networks, Output
from afformer_core.runtime.prediction import Prediction, best_peak
from afformer_core.runtime.presence import PresenceCalibration
from afformer_core.runtime.sessions.fallback_session import with_fallback

# Number of contacts offered to a person to choose from.
_CONTACTS = 3


class ArrayGrounder:
    """Grounding of demonstrations in images, both as arrays. One thread owns it.

    Each frame of a demonstration is encoded once. An image is encoded once for all demonstrations,
    and once more in each zoom stage. `afformer_core.Grounder` wraps it for files.

    Args:
        configuration: configuration of the model.
        networks: its networks, ready to run.
        weights: identifier of the weights, such as their hash; empty if unknown.
        calibration, certainty_calibration, decoder_certainty: of presence and of certainty (see
            `ModelDescription`); None if there is none.
        zoom_stages, calibration_problem: see the attributes.

    Attributes:
        calibration_problem: reason why the folder's calibration is not used; empty if it is.
        zoom_stages: zoom stages of demonstrations memorized from now on and of images, in order.
    """

    def __init__(
        self,
        configuration: AfformerConfiguration,
        networks: Networks,
        weights: str = '',
        calibration: PresenceCalibration | None = None,
        zoom_stages: tuple[ZoomStage, ...] = (),
        calibration_problem: str = '',
        certainty_calibration: CertaintyCalibration | None = None,
        decoder_certainty: DecoderCertainty | None = None,
    ) -> None:
        self.configuration = configuration
        self.certainty_calibration = certainty_calibration
        self.decoder_certainty = decoder_certainty
        self.calibration = calibration
        self.calibration_problem = calibration_problem
        self.zoom_stages = zoom_stages
        self._weights = weights
        self._networks = networks
        self._demonstrations = FinishedDemonstrations()

    @classmethod
    def load(
        cls,
        model: Path | str,
        backend: str = 'auto',
        threads: int = 0,
        precision: str = 'auto',
        report: Callable[[str], None] = lambda line: None,
        maximum_stages: int | None = None,
        gpu_lost: Callable[[str], None] | None = None,
    ) -> ArrayGrounder:
        """Open a model folder.

        Args:
            model: the folder.
            backend, threads, precision, report: see `open_networks`.
            maximum_stages: maximum number of stages; 1: no zoom; None: all stages of the model.
            gpu_lost: called with the reason when the CPU replaces a lost GPU; None: the error is
                raised.

        Raises:
            ModelFolderError: the folder does not contain a valid model for this backend.
            EngineError: TensorRT cannot compile or run it here.
            ValueError: backend, precision, threads or maximum_stages is out of its range.
        """
        if maximum_stages is not None and maximum_stages < 1:
            raise ValueError(f'maximum_stages is {maximum_stages}; expected at least 1')
        folder = Path(model)
        description = read_description(folder)
        networks = open_networks(folder, backend, threads, precision, report)
        if gpu_lost is not None:
            networks = with_fallback(networks, folder, threads, gpu_lost)
        return cls(
            description.configuration,
            networks,
            description.all_weights_sha256,
            description.valid_calibration,
            description.zoom_stages[: None if maximum_stages is None else maximum_stages - 1],
            description.calibration_problem(folder),
            description.valid_certainty,
            description.valid_decoder_certainty,
        )

    @property
    def backend(self) -> str:
        """Name of the backend that computes, such as 'onnxruntime'."""
        return self._networks.backend

    def use(self, networks: Networks) -> None:
        """Replace the networks with others of the same weights; keep all demonstrations."""
        self._networks = networks

    @property
    def fingerprint(self) -> str:
        """Text that is equal for models that encode frames identically; empty if unknown."""
        side, frames = self._networks.frame_side, self.configuration.maximum_frames
        return self._weights and f'{self._weights} {side} pixels {frames} frames'

    @property
    def demonstrations(self) -> tuple[str, ...]:
        """Names of the finished demonstrations, oldest first."""
        return self._demonstrations.names

    def set_demonstration(
        self, frames: Iterable[NDArray[Any]], name: str, contact: Point | None = None
    ) -> Demonstration:
        """Memorize the frames of a demonstration; one of the same name is replaced.

        Unlike `memorize_whole`, this does not read the contact from the frames.

        Args:
            frames: uint8 RGB [H, W, 3], in order, at least one.
            name: name of the demonstration, not empty.
            contact: see `EncodedFrames.contact`.

        Raises:
            DemonstrationError: there is no frame, the name is empty, or the contact is given to a
                model without a matching network.
            ImageError: a frame is not an image; an earlier demonstration of the same name is kept.
            ValueError: the contact lies outside the frame.
        """
        sampler: FrameSampler[tuple[UInt8Array, ImageFeatures]]
        sampler = FrameSampler(self.configuration.maximum_frames)
        for frame in frames:
            resized = self.resize(frame)
            if sampler.wants_next():
                sampler.add((resized, self.encode(resized)))
            else:
                sampler.skip()
        if not sampler.count:
            raise DemonstrationError(f'demonstration {name!r} has 0 frames; expected at least 1')
        encoded = EncodedFrames.stack(sampler.selection())
        return self.memorize(replace(encoded, contact=contact), name, sampler.count)

    def resize(self, image: NDArray[Any]) -> UInt8Array:
        """Shrink uint8 RGB [H, W, 3] to the pixels that the model uses of a frame.

        Raises:
            ImageError: this is not an image.
        """
        return shrink_to(image, self._networks.frame_side)

    def encode(self, frame: UInt8Array) -> ImageFeatures:
        """Compute the features of a frame from `resize`."""
        return self._networks.encode_frames(frame[None])[0]

    def memorize(self, encoded: EncodedFrames, name: str, frame_count: int) -> Demonstration:
        """Build a demonstration from encoded frames; one of the same name is replaced.

        Args:
            encoded: frames encoded by this model, at most its maximum.
            name, frame_count: see `Demonstration`.

        Raises:
            DemonstrationError: the name is empty, or the contact is marked for a model without a
                matching network.
        """
        if not name:
            raise DemonstrationError(
                'the name of the demonstration is empty; expected at least one character'
            )
        first_frame = self._networks.encode_image(encoded.images[0])
        memory = self._networks.memorize(encoded, first_frame)
        contacts = () if encoded.contact else _read_contacts(encoded)[:_CONTACTS]
        zoom_features = self._zoom.memorize_zoomed(encoded, first_frame, memory)
        demonstration = Demonstration.of(
            name, frame_count, encoded, memory, zoom_features, contacts
        )
        self._demonstrations.add(demonstration)
        return demonstration

    @property
    def matching(self) -> Matching | None:
        """The matching network; None for a model without one."""
        return self._networks.matching

    def contact(self, encoded: EncodedFrames) -> Peak:
        """Find the operated part of a demonstration: a peak in pixels of its first frame.

        Raises:
            DemonstrationError: the contact is marked for a model without a matching network.
        """
        if self.matching is not None:
            if encoded.contact is not None:
                return _peak(*encoded.contact, 1.0, encoded.size)
            if found := _read_contacts(encoded):
                return found[0]
        first_frame = self._networks.encode_image(encoded.images[0])
        memory = self._networks.memorize(encoded, first_frame)
        output = self._networks.ground(first_frame, memory)
        return best_peak(output, self.configuration, encoded.size)

    def add_demonstration(self, demonstration: Demonstration) -> None:
        """Add a demonstration that this model has memorized; it replaces one of the same name."""
        self._demonstrations.add(demonstration)

    def delete_demonstration(self, name: str) -> None:
        """Delete a finished demonstration; raise `DemonstrationError` if there is none."""
        self._demonstrations.remove(name)

    def demonstration(self, name: str) -> Demonstration:
        """Return a finished demonstration; raise `DemonstrationError` if there is none."""
        return self._demonstrations[name]

    def ground(self, image: NDArray[Any], name: str, maximum_peaks: int = 5) -> Grounding:
        """Ground a demonstration in an image.

        Args:
            image, name: see `predict`.
            maximum_peaks: largest number of peaks, at least 1.
        """
        height, width = int(image.shape[0]), int(image.shape[1])
        return self.predict(image, name).grounding((height, width), max(1, maximum_peaks))

    def encode_image(self, image: NDArray[Any]) -> EncodedImage:
        """Prepare uint8 RGB [H, W, 3] to be grounded more than once.

        Raises:
            ImageError: this is not an image.
        """
        require_rgb(image)
        return self._networks.encode_image(image)

    def predict(self, image: NDArray[Any], *names: str) -> Prediction:
        """Predict heatmap and actions at the model's size: `ground` without the search for peaks.

        Several demonstrations of one skill are grounded separately, and their logits are averaged.
        The zoom stages ground the one that agrees most with the mean.

        Args:
            image: uint8 RGB [H, W, 3], any size.
            names: names of finished demonstrations, at least one.

        Raises:
            DemonstrationError: there is no demonstration of a name, or no name was given.
            ImageError: this is not an image.
        """
        return self.predict_encoded(self.encode_image(image), *names)

    def predict_encoded(self, image: EncodedImage, *names: str) -> Prediction:
        """Predict heatmap and actions for an image of `encode_image`; see `predict`."""
        shown = self._demonstrations.of(names)
        begin = time.perf_counter()
        output = self._zoom.ground(image, shown)
        seconds = time.perf_counter() - begin
        calibrations = self.calibration, self.certainty_calibration, self.decoder_certainty
        return Prediction.of(output, shown, self.configuration, seconds, *calibrations)

    def output(self, image: NDArray[Any], *names: str) -> Output:
        """Compute the network's output after all stages (see `predict`): logits and features."""
        return self._zoom.ground(self.encode_image(image), self._demonstrations.of(names))

    @property
    def _zoom(self) -> CoarseToFine:
        return CoarseToFine(self.configuration, self._networks, self.zoom_stages)


def _read_contacts(encoded: EncodedFrames) -> tuple[Peak, ...]:
    """Return the contacts that were read, in pixels of the first frame, best first."""
    if encoded.read_contact is None:
        return ()
    return tuple(_peak(*found, encoded.size) for found in encoded.read_contact.candidates)


def _peak(x: float, y: float, probability: float, size: tuple[int, int]) -> Peak:
    """Return the peak at (x, y), shares of the sides of a frame of (height, width)."""
    height, width = size
    return Peak(x * width - 0.5, y * height - 0.5, probability)
