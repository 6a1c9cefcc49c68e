# SPDX-License-Identifier: Apache-2.0
"""The Python interface: videos and images in, groundings out."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.media import (
    MediaFrames,
    contact_candidates,
    contact_position,
    read_demonstration,
    select_evenly,
)
from afformer_core.demonstrations.recording import memorize_whole
from afformer_core.errors import DemonstrationError
from afformer_core.media.images import Image, as_image
from afformer_core.media.polygons import Point
from afformer_core.runtime import ArrayGrounder, Grounding, Peak
from afformer_core.runtime.shipped_model import SHIPPED, model_folder

Video = str | PathLike[str] | Iterable[Image] | NDArray[np.uint8]
"""Path of a video, a folder of images or a bag; or frames as arrays, Pillow images or paths."""

DEMONSTRATION = 'demonstration'
"""Default name of a demonstration."""


class Grounder:
    """A model that grounds demonstrations in images. Only one thread at a time can use it.

    Example::

        grounder = Grounder.load()
        grounder.set_demonstration('press.mp4')
        grounding = grounder.ground('panel.jpg')
        print(grounding.action, grounding.point)

    Args:
        model: the model; `Grounder.load` opens one.
    """

    def __init__(self, model: ArrayGrounder) -> None:
        self._model = model
        self._first_frames: dict[str, NDArray[np.uint8]] = {}

    @classmethod
    def load(
        cls,
        model: str | PathLike[str] = SHIPPED,
        *,
        backend: str = 'auto',
        precision: str = 'auto',
        threads: int = 0,
        maximum_stages: int | None = None,
    ) -> Grounder:
        """Open a model.

        Args:
            model: its folder, or 'shipped' for the model that comes with the package.
            backend: 'torch', 'onnxruntime' or 'openvino' on the CPU, 'torch-cuda',
                'onnxruntime-cuda' or 'tensorrt' on an NVIDIA GPU; 'auto' is an installed one
                that runs exported graphs without engines to compile, or else PyTorch.
            precision: 'fp32', 'fp16' or 'bf16'; 'auto' is fp32, and fp16 with TensorRT.
            threads: number of threads, at least 1; 0: chosen by the backend.
            maximum_stages: maximum number of groundings of an image, at least 1: one of the whole
                image, then one for each zoom stage; None: all zoom stages of the model.

        Raises:
            ModelFolderError: the folder does not exist, or holds no valid model for the backend.
            EngineError: TensorRT cannot compile or run the model here.
            ValueError: backend, precision, threads or maximum_stages is out of its range.
        """
        opened = ArrayGrounder.load(
            model_folder(Path(model)), backend, threads, precision, maximum_stages=maximum_stages
        )
        if opened.calibration_problem:
            warnings.warn(opened.calibration_problem, stacklevel=2)
        return cls(opened)

    @property
    def backend(self) -> str:
        """Name of the active backend, such as 'onnxruntime'."""
        return self._model.backend

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions that the model scores."""
        return tuple(self._model.configuration.action_names)

    @property
    def demonstrations(self) -> tuple[str, ...]:
        """Names of the demonstrations that are set, oldest first."""
        return self._model.demonstrations

    def set_demonstration(
        self, video: Video, name: str = DEMONSTRATION, contact: Point | None = None
    ) -> None:
        """Read and encode a demonstration, once for all images; one of the same name is replaced.

        The contact is read from the frames unless it is given. If the video is long, select the
        part that shows the action.

        Args:
            video: path of a video, a folder of images or a bag; `VIDEO#t=1.5,3` is the part from
                1.5 to 3 seconds, `BAG#TOPIC` a topic of a bag. Or the frames in order, at least
                one, all of one size: uint8 RGB [T, H, W, 3], or arrays uint8 RGB [H, W, 3], Pillow
                images or paths of images.
            name: name of the demonstration, not empty.
            contact: pixel (x, y) in the first frame of the operated part; the centre of the
                first pixel is (0, 0). None to read it from the frames.

        Raises:
            VideoError: the video does not exist, cannot be read, or has no such part.
            BagError: the bag is missing or damaged.
            ImageError: a frame is not an image, or of another size than the first.
            DemonstrationError: there is no frame, the name is empty, the contact lies outside the
                frame, the model does not support a given contact, or the bag has no such topic.
        """
        maximum = self._model.configuration.maximum_frames
        media = _read(video, maximum)
        if contact is not None:
            media = replace(media, contact=contact_position(contact, media.frames[0]))
        memorize_whole(media, name, self._model)
        self._first_frames[name] = media.frames[0].copy()

    def contacts(self, name: str = DEMONSTRATION) -> tuple[Peak, ...]:
        """Return the most probable contacts that were read from a demonstration, best first.

        Each is a pixel (u, v) of the video's first frame, for `contact` of `set_demonstration`;
        its score is its probability, 0 to 1. The list is empty if the contact was given.

        Raises:
            DemonstrationError: there is no demonstration of the name.
        """
        shown, first_frame = self._model.demonstration(name), self._first_frames.get(name)
        return shown.contacts if first_frame is None else contact_candidates(shown, first_frame)

    def first_frame(self, name: str = DEMONSTRATION) -> NDArray[np.uint8]:
        """Return the first frame of a demonstration, uint8 RGB [H, W, 3], to draw `contacts` in.

        Raises:
            DemonstrationError: there is no demonstration of the name.
        """
        if name not in self._first_frames:
            raise DemonstrationError(f'there is no demonstration {name!r}. Set it first')
        return self._first_frames[name]

    def delete_demonstration(self, name: str = DEMONSTRATION) -> None:
        """Delete a demonstration.

        Raises:
            DemonstrationError: there is none of the name.
        """
        self._model.delete_demonstration(name)
        self._first_frames.pop(name, None)

    def ground(self, image: Image, *names: str, maximum_peaks: int = 5) -> Grounding:
        """Ground a demonstration in an image.

        Args:
            image: path of an image, uint8 RGB [H, W, 3] of any size, or a Pillow image.
            names: names of demonstrations of one skill, which are grounded together; none if
                there is only one demonstration.
            maximum_peaks: maximum number of peaks, at least 1.

        Returns:
            the grounding, in pixels of the image. It keeps a copy of the image to draw itself.

        Raises:
            ImageError: this is not an image.
            DemonstrationError: there is no demonstration, no demonstration of a name, or several
                demonstrations and no name.
            ValueError: maximum_peaks is out of its range.
        """
        if maximum_peaks < 1:
            raise ValueError(f'maximum_peaks is {maximum_peaks}; expected at least 1')
        shown = np.array(as_image(image))
        prediction = self._model.predict(shown, *(names or self._only()))
        height, width = shown.shape[:2]
        return replace(prediction.grounding((height, width), maximum_peaks), image=shown)

    def _only(self) -> tuple[str, ...]:
        """Return the name of the only demonstration."""
        known = self.demonstrations
        if not known:
            raise DemonstrationError('there is no demonstration yet. Set one first')
        if len(known) > 1:
            raise DemonstrationError(
                f'there are {len(known)} demonstrations: {", ".join(known)}; expected a name. '
                'Name one, or several of one skill'
            )
        return known

    def __repr__(self) -> str:
        return f'Grounder(backend {self.backend!r}, demonstrations {list(self.demonstrations)})'


def ground(video: Video, image: Image, contact: Point | None = None) -> Grounding:
    """Ground a video in an image with the shipped model, which is loaded once.

    To ground a video in several images, use `Grounder`, which encodes the video once. Several
    threads can call this function; they wait for each other.

    Args:
        video, contact: see `Grounder.set_demonstration`.
        image: see `Grounder.ground`.

    Raises:
        AfformerError: see `Grounder.set_demonstration` and `Grounder.ground`.
    """
    shown = as_image(image)
    with _one_at_a_time:
        grounder = _shipped_grounder()
        grounder.set_demonstration(video, contact=contact)
        return grounder.ground(shown)


_one_at_a_time = threading.Lock()


@cache
def _shipped_grounder() -> Grounder:
    return Grounder.load()


def _read(video: Video, maximum_frames: int) -> MediaFrames:
    if isinstance(video, str | PathLike):
        path = Path(video)
        media = read_demonstration(path, maximum_frames)
        if media.announced is not None:
            warnings.warn(
                f'{path} is damaged or truncated: only {media.frame_count} of {media.announced} '
                'frames can be read and used. Copy it again',
                stacklevel=3,
            )
        return media
    if isinstance(video, np.ndarray) and video.ndim != 4:
        raise DemonstrationError(
            f'the demonstration is an array of shape {video.shape}; expected frames of shape '
            '[T, H, W, 3]'
        )
    if not isinstance(video, Iterable):
        raise DemonstrationError(
            f'the demonstration is of type {type(video).__name__}; expected a path or frames'
        )
    return select_evenly(list(video), maximum_frames)
