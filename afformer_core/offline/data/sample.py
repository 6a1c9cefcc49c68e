# SPDX-License-Identifier: Apache-2.0
"""One demonstration and one target image of any dataset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.licences import UNKNOWN_ORIGIN, Origin
from afformer_core.offline.data.polygon_mask import PolygonMask, union


@dataclass(frozen=True)
class KnownElements:
    """The known elements in a target image, simulated or annotated.

    Attributes:
        scene_id: name of the scene; samples that share it show the same scene, and an index
            denotes the same element in all of them.
        element: index of the demonstrated element.
        polygons: outline of every element, float64 [K, 2] (x, y) pixels of the target image; it
            may reach outside.
        kinds: kind of every element: `button`, `knob` or `handle`.
        in_view: for every element, whether its whole outline lies in the image.

    Raises:
        ValueError: the lengths differ, or the element is unknown.
    """

    scene_id: str
    element: int
    polygons: tuple[np.ndarray, ...]
    kinds: tuple[str, ...]
    in_view: tuple[bool, ...]

    def __post_init__(self) -> None:
        if not len(self.polygons) == len(self.kinds) == len(self.in_view):
            raise ValueError(
                f'there are {len(self.polygons)} polygons, {len(self.kinds)} kinds and '
                f'{len(self.in_view)} flags; expected one of each for an element'
            )
        if not 0 <= self.element < len(self.polygons):
            raise ValueError(
                f'element is {self.element}; expected an index of {len(self.polygons)} elements'
            )


@dataclass(frozen=True)
class Sample:
    """A demonstration, a target image, and its annotations.

    Attributes:
        sample_id: identifier, unique in its dataset.
        video_path: the demonstration's clip: a video file, a folder of numbered frames, or a part
            of one in the form of `FrameRange.path`.
        image_path: the target image.
        image_size: (width, height) of the image to which `points` refer.
        actions: indices from 0 into the dataset's `action_names`; one may occur twice.
        points: for each action float64 [P, 2], (x, y) pixels; some may lie outside the image.
        scene: scene if the elements are known, or None.
        clip: (begin, end) in seconds if the demonstration is that part of the video at
            `video_path`, or None.
        contact: indices, from 0, of the first and last frame of the clip with contact, or None.
        contact_points: for each frame of the clip, the position of the part that is touched at any
            time, (x, y) as shares of its width and height, or None if it is not in view; None if
            nothing is known.
        object_id: identifier of the object, equal for samples of the same object; None if unknown.
        masks: for each action the region of the image in which it is right, in the same pixels as
            `points`, which approximate it; None for an action with points only. Empty if no region
            is known.
        origin: origin of the sample, with its licence.

    Raises:
        ValueError: the clip or the contact ends before it begins. The rows of a manifest check
            all else.
    """

    sample_id: str
    video_path: Path
    image_path: Path
    image_size: tuple[int, int]
    actions: tuple[int, ...]
    points: tuple[np.ndarray, ...]
    scene: KnownElements | None = None
    clip: tuple[float, float] | None = None
    contact: tuple[int, int] | None = None
    contact_points: tuple[tuple[float, float] | None, ...] | None = None
    object_id: str | None = None
    masks: tuple[PolygonMask | None, ...] = ()
    origin: Origin = UNKNOWN_ORIGIN

    def __post_init__(self) -> None:
        if self.clip is not None and not 0 <= self.clip[0] < self.clip[1] < math.inf:
            raise ValueError(
                f'a clip goes from {self.clip[0]} s to {self.clip[1]} s; expected a start of at '
                'least 0 s and a later end'
            )
        if self.contact is not None and not 0 <= self.contact[0] <= self.contact[1]:
            raise ValueError(
                f'the contact goes from frame {self.contact[0]} to {self.contact[1]}; expected a '
                'start of at least 0 and an end that is not earlier'
            )

    @property
    def demonstration(self) -> str:
        """Name of the demonstration, equal for samples with the same demonstration."""
        if self.clip is None:
            return str(self.video_path)
        return f'{self.video_path}#t={self.clip[0]},{self.clip[1]}'

    @property
    def group(self) -> str:
        """The simulated scene, or else the image; pairs of one group are not independent."""
        return str(self.image_path) if self.scene is None else self.scene.scene_id

    @property
    def points_by_action(self) -> dict[int, NDArray[np.float64]]:
        """Points [P, 2] of each action, in the order of the first occurrences."""
        gathered: dict[int, list[NDArray[np.float64]]] = {}
        for action, points in zip(self.actions, self.points, strict=True):
            gathered.setdefault(action, []).append(points)
        return {action: np.concatenate(points) for action, points in gathered.items()}

    @property
    def masks_by_action(self) -> dict[int, PolygonMask]:
        """The region of each action with a known region, joined from its masks."""
        gathered: dict[int, list[PolygonMask | None]] = {}
        for action, mask in zip(self.actions, self.masks, strict=bool(self.masks)):
            gathered.setdefault(action, []).append(mask)
        # If one set of an action has only points, the region is not known.
        known = {
            action: [mask for mask in masks if mask is not None]
            for action, masks in gathered.items()
            if None not in masks
        }
        return {action: union(masks) for action, masks in known.items()}
