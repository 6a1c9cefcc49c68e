# SPDX-License-Identifier: Apache-2.0
"""Grounding of demonstrations in images, both as arrays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.errors import DemonstrationError
from afformer_core.media.images import require_rgb, shrink_to
from afformer_core.media.polygons import Point
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.backends import GPU_BACKENDS, open_networks, open_on_cpu
from afformer_core.runtime.calibrations import NO_CALIBRATIONS, Calibrations
from afformer_core.runtime.coarse_to_fine import CoarseToFine, ZoomStage
from afformer_core.runtime.demonstration import (
    Demonstration,
    EncodedFrames,
    FrameSampler,
    ImageFeatures,
)
from afformer_core.runtime.grounding import Grounding, Prediction, best_peak
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.networks import EncodedImage, Networks, Output
from afformer_core.runtime.peaks import Peak
from afformer_core.runtime.sessions.gpu import is_device_lost

Result = TypeVar('Result')

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
        calibrations, zoom_stages, calibration_problem: see the attributes.

    Attributes:
        calibrations: calibrations of presence and of certainty.
        calibration_problem: reason why the folder's calibration is not used; empty if it is.
        zoom_stages: zoom stages of demonstrations memorized from now on and of images, in order.
    """

    def __init__(
        self,
        configuration: AfformerConfiguration,
        networks: Networks,
        weights: str = '',
        calibrations: Calibrations = NO_CALIBRATIONS,
        zoom_stages: tuple[ZoomStage, ...] = (),
        calibration_problem: str = '',
    ) -> None:
        self.configuration = configuration
        self.calibrations = calibrations
        self.calibration_problem = calibration_problem
        self.zoom_stages = zoom_stages
        self._weights = weights
        self._networks = networks
        # Freeing those of a lost GPU would call into CUDA, which may end the process.
        self._lost: list[Networks] = []
        self._fallback: tuple[Callable[[], Networks], Callable[[str], None]] | None = None
        # Oldest first.
        self._demonstrations: dict[str, Demonstration] = {}

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
        grounder = cls(
            description.configuration,
            open_networks(folder, backend, threads, precision, report),
            description.all_weights_sha256,
            description.valid_calibrations,
            description.zoom_stages[: None if maximum_stages is None else maximum_stages - 1],
            description.calibration_problem(folder),
        )
        if gpu_lost is not None:
            grounder.fall_back(partial(open_on_cpu, folder, threads), gpu_lost)
        return grounder

    def fall_back(self, open_on_cpu: Callable[[], Networks], lost: Callable[[str], None]) -> None:
        """Let the CPU take over from now on if the GPU is lost, and repeat what failed there.

        Args:
            open_on_cpu: function that opens the same networks on the CPU.
            lost: called with the reason of the loss when the CPU has taken over.
        """
        self._fallback = open_on_cpu, lost

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
        return tuple(self._demonstrations)

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
        sampler: FrameSampler[UInt8Array] = FrameSampler(self.configuration.maximum_frames)
        for frame in frames:
            sampler.offer(self.resize(frame))
        if not sampler.count:
            raise DemonstrationError(f'demonstration {name!r} has 0 frames; expected at least 1')
        encoded = EncodedFrames.stack(
            [(image, self.encode(image)) for image in sampler.selection()]
        )
        return self.memorize(replace(encoded, contact=contact), name, sampler.count)

    def resize(self, image: NDArray[Any]) -> UInt8Array:
        """Shrink uint8 RGB [H, W, 3] to the pixels that the model uses of a frame.

        Raises:
            ImageError: this is not an image.
        """
        return shrink_to(image, self._networks.frame_side)

    def encode(self, frame: UInt8Array) -> ImageFeatures:
        """Compute the features of a frame from `resize`."""
        return self._compute(lambda networks: networks.encode_frames(frame[None])[0])

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

        contacts = () if encoded.contact else _read_contacts(encoded)[:_CONTACTS]

        def memorized(networks: Networks) -> Demonstration:
            first_frame = networks.encode_image(encoded.images[0])
            memory = networks.memorize(encoded, first_frame)
            zoomed = self._zoom(networks).memorize_zoomed(encoded, first_frame, memory)
            return Demonstration.of(name, frame_count, encoded, memory, zoomed, contacts)

        demonstration = self._compute(memorized)
        self.add_demonstration(demonstration)
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
            if contacts := _read_contacts(encoded):
                return contacts[0]

        def found(networks: Networks) -> Output:
            first_frame = networks.encode_image(encoded.images[0])
            return networks.ground(first_frame, networks.memorize(encoded, first_frame))

        return best_peak(self._compute(found), self.configuration, encoded.size)

    def add_demonstration(self, demonstration: Demonstration) -> None:
        """Add a demonstration that this model has memorized; it replaces one of the same name."""
        self._demonstrations.pop(demonstration.name, None)
        self._demonstrations[demonstration.name] = demonstration

    def delete_demonstration(self, name: str) -> None:
        """Delete a finished demonstration; raise `DemonstrationError` if there is none."""
        del self._demonstrations[self.demonstration(name).name]

    def demonstration(self, name: str) -> Demonstration:
        """Return a finished demonstration; raise `DemonstrationError` if there is none."""
        if name not in self._demonstrations:
            raise DemonstrationError.unknown(name, self._demonstrations)
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
        shown = self._named(names)
        begin = time.perf_counter()

        def predicted(networks: Networks) -> Prediction:
            # Another network cannot read what a lost one has encoded.
            known = image if image.networks is networks else networks.encode_image(image.image)
            output = self._zoom(networks).ground(known, shown)
            seconds = time.perf_counter() - begin
            return Prediction.of(output, shown, self.configuration, seconds, self.calibrations)

        return self._compute(predicted)

    def output(self, image: NDArray[Any], *names: str) -> Output:
        """Compute the network's output after all stages (see `predict`): logits and features."""
        require_rgb(image)
        shown = self._named(names)
        return self._compute(
            lambda networks: self._zoom(networks).ground(networks.encode_image(image), shown)
        )

    def _named(self, names: Sequence[str]) -> list[Demonstration]:
        if not names:
            raise DemonstrationError('no demonstration was named; expected at least one name')
        return [self.demonstration(name) for name in names]

    def _zoom(self, networks: Networks) -> CoarseToFine:
        return CoarseToFine(networks, self.zoom_stages)

    def _compute(self, compute: Callable[[Networks], Result]) -> Result:
        """Compute with the networks, and again on the CPU if their GPU is lost."""
        networks = self._networks
        try:
            return compute(networks)
        except Exception as error:
            is_on_gpu = networks.backend in GPU_BACKENDS
            if self._fallback is None or not is_on_gpu or not is_device_lost(error):
                raise
            # The lines after the first are advice on debugging kernels.
            reason = next(iter(str(error).splitlines()), type(error).__name__)
        open_on_cpu, lost = self._fallback
        self._networks = open_on_cpu()
        self._lost.append(networks)
        lost(reason)
        return compute(self._networks)


def _read_contacts(encoded: EncodedFrames) -> tuple[Peak, ...]:
    """Return the contacts that were read, in pixels of the first frame, best first."""
    if encoded.read_contact is None:
        return ()
    return tuple(_peak(*found, encoded.size) for found in encoded.read_contact.candidates)


def _peak(x: float, y: float, probability: float, size: tuple[int, int]) -> Peak:
    """Return the peak at (x, y), shares of the sides of a frame of (height, width)."""
    height, width = size
    return Peak(x * width - 0.5, y * height - 0.5, probability)
