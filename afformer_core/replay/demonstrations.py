# SPDX-License-Identifier: Apache-2.0
"""The demonstrations of a replay: recorded in the bag, from files, or stored."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import read_demonstration, split_topic
from afformer_core.demonstrations.state import join_names
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.media.bag import Bag, BagError, BagExtract
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.grounding import Prediction

_NAME_IN_BAG = 'recorded'
_NOT_IN_NAMES = re.compile(r'[^A-Za-z0-9_.-]')


class ReplayDemonstrations:
    """The demonstrations against which the images of a bag are grounded, only in memory.

    Args:
        grounder: model, which no other object uses.
        trim: see `Recording`; for a demonstration from a bag.

    Attributes:
        grounder: see the arguments.
        accounts: description of each demonstration by its name, in a sentence.
    """

    def __init__(self, grounder: ArrayGrounder, *, trim: bool = True) -> None:
        self.grounder = grounder
        self._library = DemonstrationLibrary(grounder, None, trim=trim)
        self.accounts: dict[str, str] = {}

    @property
    def selected(self) -> str:
        """Names of all demonstrations, joined by '+'."""
        return join_names(tuple(self.accounts))

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
                decoded = bag.decode(message)
                stamp = decoded.header.stamp
                self._library.add_frame(to_rgb(decoded), stamp.sec + 1e-9 * stamp.nanosec)
            except (BagError, ImageError) as error:
                self._library.reject_frame(error)
        name = self._library.finish().name
        self.accounts[name] = self._library.state().message

    def add_file(self, path: Path) -> None:
        """Add the demonstration in a video or a folder of images.

        Raises:
            DemonstrationError: no frame.
            VideoError: the video is missing, empty or not a video; a folder has no image, or one
                that cannot be read or has another size than the first.
        """
        media = read_demonstration(path, self._library.configuration.maximum_frames)
        stem = _NOT_IN_NAMES.sub('_', split_topic(path)[0].stem).lstrip('.') or 'demonstration'
        numbered = (f'{stem[:60]}_{number}' for number in itertools.count(2))
        names = itertools.chain([stem[:64]], numbered)
        name = next(name for name in names if name not in self.accounts)
        self._library.add(media, name)
        self.accounts[name] = self._library.state().message

    def add_stored(self, store: DemonstrationStore, name: str) -> None:
        """Add a stored demonstration, or several joined by '+'.

        Raises:
            DemonstrationError: it is not in the store, its file is damaged, or it was already
                added.
        """
        for part in DemonstrationLibrary(self.grounder, store).prepare(name):
            if part in self.accounts:
                raise DemonstrationError(f'{part!r} is named twice; name each demonstration once')
            self.accounts[part] = f'{part!r} is stored in {store.folder}'

    def predict(self, image: NDArray[np.uint8]) -> Prediction:
        """Ground all of them together in an image, uint8 RGB [H, W, 3].

        Raises:
            DemonstrationError: there is none.
            ImageError: not an image.
        """
        if not self.accounts:
            raise DemonstrationError(
                'no demonstration is given; name its topic with --demonstration-topic, or a '
                'video, a folder of images or a stored demonstration with --demonstration'
            )
        return self.grounder.predict(image, *self.accounts)
