# SPDX-License-Identifier: Apache-2.0
"""The demonstrations of a replay: recorded in the bag, from files, or stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.collection import DemonstrationCollection
from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import read_demonstration, split_topic
from afformer_core.demonstrations.recording import RecordingSettings
from afformer_core.demonstrations.selection import join_names
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.media.bag import Bag, BagError, BagExtract, BagMessage
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.prediction import Prediction
from afformer_core.runtime.presence import PresenceCalibration

_NAME_IN_BAG = 'recorded'
_NOT_IN_NAMES = re.compile(r'[^A-Za-z0-9_.-]')


class ReplayDemonstrations:
    """The demonstrations against which the images of a bag are grounded, only in memory.

    Args:
        grounder: model, which no other object uses.
        settings: settings of the recording of demonstrations from a bag.
    """

    def __init__(self, grounder: ArrayGrounder, settings: RecordingSettings) -> None:
        self._grounder = grounder
        self._library = DemonstrationLibrary(grounder, None, settings=settings)
        self._names: list[str] = []
        self._accounts: list[str] = []

    @property
    def backend(self) -> str:
        """Active backend."""
        return self._grounder.backend

    @property
    def calibration(self) -> PresenceCalibration | None:
        """Calibration of the model; None if it is not calibrated."""
        return self._grounder.calibrations.presence

    @property
    def selected(self) -> str:
        """Names of all demonstrations, joined by '+'."""
        return join_names(self._names)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Description of each demonstration, in a sentence."""
        return tuple(self._accounts)

    def record(self, bag: Bag, topic: str, window: BagExtract) -> None:
        """Record the images of a topic like the node.

        Raises:
            DemonstrationError: no image of the topic can be used.
            BagError: the bag is damaged there.
        """
        start, stop = window.nanoseconds(bag.start, bag.end)
        self._library.start(_NAME_IN_BAG)
        for message in bag.messages((topic,), start, stop):
            try:
                self._library.add_frame(*_decoded_frame(bag, message))
            except ImageError as error:
                self._library.reject_frame(error)
        self._take(self._library.finish().name, self._library.state().message)

    def add_file(self, path: Path) -> None:
        """Add the demonstration in a video or a folder of images.

        Raises:
            DemonstrationError: no frame.
            VideoError: the video is missing, empty or not a video; a folder has no image, or one
                that cannot be read or has another size than the first.
        """
        media = read_demonstration(path, self._library.maximum_frames)
        name = (
            _NOT_IN_NAMES.sub('_', split_topic(path)[0].stem).lstrip('.')[:64] or 'demonstration'
        )
        name = next(
            alternative for alternative in _alternatives(name) if alternative not in self._names
        )
        self._library.add(media, name)
        self._take(name, self._library.state().message)

    def add_stored(self, store: DemonstrationStore, name: str) -> None:
        """Add a stored demonstration.

        Raises:
            DemonstrationError: it is not in the store, its file is damaged, or it was already
                added.
        """
        if name in self._names:
            raise DemonstrationError(f'{name!r} is named twice; name each demonstration once')
        collection = DemonstrationCollection(self._grounder, store)
        collection.memorize([name])
        self._take(name, f'{name!r} is stored in {store.folder}')

    def predict(self, image: NDArray[np.uint8]) -> Prediction:
        """Ground all of them together in an image, uint8 RGB [H, W, 3].

        Raises:
            DemonstrationError: there is none.
            ImageError: not an image.
        """
        if not self._names:
            raise DemonstrationError(
                'no demonstration is given; name its topic with --demonstration-topic, or a '
                'video, a folder of images or a stored demonstration with --demonstration'
            )
        return self._grounder.predict(image, *self._names)

    def _take(self, name: str, account: str) -> None:
        self._names.append(name)
        self._accounts.append(account)


def _alternatives(name: str) -> Iterator[str]:
    """Yield the name, and then the name with a number appended."""
    yield name
    for number in range(2, 1000):
        yield f'{name[:60]}_{number}'


def _decoded_frame(bag: Bag, message: BagMessage) -> tuple[NDArray[np.uint8], float]:
    """Decode the colours of an image message, and the stamp of its header in seconds.

    Raises:
        ImageError: it cannot be decoded.
    """
    try:
        decoded = bag.decode(message)
    except BagError as error:
        raise ImageError(str(error)) from error
    stamp = decoded.header.stamp
    return to_rgb(decoded), stamp.sec + 1e-9 * stamp.nanosec
