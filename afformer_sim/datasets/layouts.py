# SPDX-License-Identifier: Apache-2.0
"""Layouts of simulated datasets: their settings, and the run that writes one."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS
from afformer_core.offline.parallel.resumable_dataset import Production
from afformer_sim.photographs.photograph_view import list_photographs
from afformer_sim.scene.scene import NumberedSettings, SceneSettings

HANDS = ('capsules', 'mesh')


@dataclass(frozen=True, kw_only=True)
class DatasetSettings(SceneSettings):
    """Contents of a simulated dataset in the format of OPRA.

    Attributes:
        demonstrations: number for each fixture, of different elements as far as possible.
        performances: number of clips of each demonstration, of the same action by different people
            and from different sides.
        targets: number of target views; every pair of a clip and a view is an entry.
        frames, rate: number of frames of a clip, and frames per second.
        longest_side: longest side of every image, in pixels.
        hand: one of `HANDS`: `capsules`, or `mesh` with skin, nails, sleeves and watches.

    Raises:
        ValueError: a number is out of range, or a family unknown.
    """

    scenes: int = 2100
    demonstrations: int = 3
    performances: int = 1
    targets: int = 3
    frames: int = 8
    rate: float = 4.0
    longest_side: int = 256
    hand: str = 'capsules'

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hand not in HANDS:
            raise ValueError(f'hand is {self.hand!r}; expected one of {HANDS}')


@dataclass(frozen=True, kw_only=True)
class PhotographSettings(NumberedSettings):
    """Contents of a dataset of demonstrations over photographs.

    Attributes:
        scenes: number of scenes, each of one photograph and one person.
        photographs: folder of photographs; None for those of installed packages.
        held_out: True for the packages' photographs that are kept out of training.
        demonstrations: number for each scene, at different points.
        targets: number of other views for each demonstration.
        frames, rate: number of frames of a clip, and frames per second.
        longest_side: longest side of every image, in pixels.

    Raises:
        ValueError: a number is out of range, or the folder has no photograph.
    """

    scenes: int = 1000
    photographs: Path | None = None
    held_out: bool = False
    demonstrations: int = 2
    targets: int = 2
    frames: int = 8
    rate: float = 4.0
    longest_side: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        list_photographs(self.photographs, held_out=self.held_out)

    def described(self) -> dict[str, Any]:
        """Return the settings on which each scene depends, by name."""
        photographs = None if self.photographs is None else str(self.photographs)
        return {**super().described(), 'photographs': photographs}


@dataclass(frozen=True, kw_only=True)
class HandsSettings(SceneSettings):
    """Contents of a dataset of hands.

    Attributes:
        demonstrations: number for each fixture; each gives an image before, while and after the
            hand touches the element, one in which it hovers, and one without a hand.
        longest_side: longest side of every image, in pixels.

    Raises:
        ValueError: a number is out of range, or a family unknown.
    """

    scenes: int = 1000
    demonstrations: int = 2
    longest_side: int = 256

    def described(self) -> dict[str, Any]:
        """Return the settings on which each scene depends, by name."""
        return {'layout': 'hands', **super().described()}


LayoutSettings = DatasetSettings | PhotographSettings | HandsSettings
LAYOUTS: dict[str, type[LayoutSettings]] = {
    'opra': DatasetSettings,
    'photographs': PhotographSettings,
    'hands': HandsSettings,
}
# Modules that write a scene, and merge the records of all scenes, of a layout. They are imported
# when they write, because they load the renderer.
_WRITERS = {
    DatasetSettings: 'dataset_writer',
    PhotographSettings: 'photograph_writer',
    HandsSettings: 'hands_writer',
}


def write_scenes(
    folder: Path, split: str, settings: LayoutSettings, engine: ParallelEngine = ONE_PROCESS
) -> Iterator[int]:
    """Render the missing scenes of a dataset; yield the number of finished scenes.

    Args:
        folder: folder of the dataset, created if missing.
        split: name of the annotation file without its ending, or of the list of images of hands;
            those of 100DOH are `trainval` and `test`.
        settings: contents of the dataset.
        engine: engine that renders the samples.

    Raises:
        DatasetError: see `Production.run`.
    """
    writer = importlib.import_module(f'afformer_sim.datasets.{_WRITERS[type(settings)]}')
    make, merge = partial(writer.make, split, settings), partial(writer.merge, split)
    return Production(folder, split, settings.described(), settings.scenes, make, merge).run(
        engine
    )
