# SPDX-License-Identifier: Apache-2.0
"""One demonstration and one target image, whatever dataset they come from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scene:
    """What is known of the elements in a target image, simulated or annotated.

    Attributes:
        scene_id: of the appliance; samples that share it show the same one, and an index means
            the same element in all of them.
        element: index of the element that is demonstrated.
        polygons: the outline of every element, float64 [K, 2] (x, y) pixels of the target image;
            it may reach outside.
        kinds: of every element: `button`, `knob` or `handle`.
        in_view: of every element, whether its whole outline lies in the image.
    """

    scene_id: str
    element: int
    polygons: tuple[np.ndarray, ...]
    kinds: tuple[str, ...]
    in_view: tuple[bool, ...]

    def __post_init__(self) -> None:
        if not len(self.polygons) == len(self.kinds) == len(self.in_view):
            raise ValueError(
                f'got {len(self.polygons)} polygons, {len(self.kinds)} kinds and '
                f'{len(self.in_view)} flags; there must be one each per element'
            )
        if not 0 <= self.element < len(self.polygons):
            raise ValueError(f'element {self.element} is not among {len(self.polygons)}')
        for polygon in self.polygons:
            if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
                raise ValueError(
                    f'a polygon has shape {polygon.shape}; expected at least 3 corners, [K, 2]'
                )


@dataclass(frozen=True)
class Sample:
    """A demonstration, a target image, and what people marked in it.

    Attributes:
        sample_id: unique in its dataset.
        video_path: the demonstration's clip: a video file, a folder of numbered frames, or a part
            of one as `FrameRange.path` names it.
        image_path: the target image.
        image_size: (width, height) of the image that `points` belong to.
        actions: indices from 0 into the dataset's `action_names`; one may occur twice.
        points: per action float64 [P, 2], (x, y) pixels; some may lie outside the image.
        scene: of samples whose elements are known, else None.
        clip: (begin, end) in seconds where the demonstration is that part of the video at
            `video_path`, else None.
        contact: numbers, from 0, of the first and last frame of the clip in which something is
            operated, else None.
        object_id: of the object that is shown, where the data tells: samples that share it show
            the same object, those of another one another. Else None.
    """

    sample_id: str
    video_path: Path
    image_path: Path
    image_size: tuple[int, int]
    actions: tuple[int, ...]
    points: tuple[np.ndarray, ...]
    scene: Scene | None = None
    clip: tuple[float, float] | None = None
    contact: tuple[int, int] | None = None
    object_id: str | None = None

    def __post_init__(self) -> None:
        if min(self.image_size) < 1:
            raise ValueError(f'an image of {self.image_size[0]}x{self.image_size[1]} is none')
        if not self.actions:
            raise ValueError('actions are empty; expected one index or more')
        if min(self.actions) < 0:
            raise ValueError(f'actions are {self.actions}; expected indices from 0')
        if len(self.actions) != len(self.points):
            raise ValueError(
                f'got {len(self.actions)} actions but points for {len(self.points)} of them'
            )
        for points in self.points:
            if points.ndim != 2 or points.shape[1] != 2 or len(points) < 1:
                raise ValueError(
                    f'points have shape {points.shape}; expected [P, 2] with at least one'
                )
            if not np.isfinite(points).all():
                raise ValueError('a point is not finite')
        if self.clip is not None and not 0 <= self.clip[0] < self.clip[1] < math.inf:
            raise ValueError(
                f'a clip goes from {self.clip[0]} s to {self.clip[1]} s; '
                'it must begin at 0 s or later and end after that'
            )
        if self.contact is not None and not 0 <= self.contact[0] <= self.contact[1]:
            raise ValueError(
                f'the contact goes from frame {self.contact[0]} to {self.contact[1]}; it must '
                'begin at 0 or later and not end before'
            )

    @property
    def demonstration(self) -> str:
        """A name of the demonstration, which samples share that have the same one."""
        if self.clip is None:
            return str(self.video_path)
        return f'{self.video_path}#t={self.clip[0]},{self.clip[1]}'

    @property
    def group(self) -> str:
        """The simulated scene, else the image; pairs of one group are not independent."""
        return str(self.image_path) if self.scene is None else self.scene.scene_id

    @property
    def points_by_action(self) -> dict[int, NDArray[np.float64]]:
        """Points [P, 2] of each action, in the order in which they are first named."""
        gathered: dict[int, list[NDArray[np.float64]]] = {}
        for action, points in zip(self.actions, self.points, strict=True):
            gathered.setdefault(action, []).append(points)
        return {action: np.concatenate(points) for action, points in gathered.items()}
