# SPDX-License-Identifier: Apache-2.0
"""Frames of VISOR's sparse annotations: masks, and objects in contact with hands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.data.annotation_files import naming, read_json
from afformer_core.data.polygon_mask import PolygonMask
from afformer_core.errors import DatasetError


@dataclass(frozen=True)
class Entity:
    """A segmented entity in a frame: a hand, a glove or an object.

    Attributes:
        name: its name, open vocabulary; equal for the same object in a video.
        noun: its noun class of EPIC-KITCHENS-100.
        mask: its mask; None if all of its segments have fewer than three corners.
        complete: whether every other instance in the frame is annotated.
    """

    name: str
    noun: int
    mask: PolygonMask | None
    complete: bool


@dataclass(frozen=True)
class VisorFrame:
    """An annotated frame.

    Attributes:
        file: name of its image, such as `P01_01_frame_0000000140.jpg`.
        seconds: its time in the video.
        entities: all segmented entities in it.
        in_contact: names of the objects in contact with a hand, or with a glove on a hand.
    """

    file: str
    seconds: float
    entities: tuple[Entity, ...]
    in_contact: frozenset[str]


def read_frames(path: Path, seconds: Mapping[str, Any]) -> tuple[str, tuple[VisorFrame, ...]]:
    """Read the annotations of a video.

    Args:
        path: its file, such as `P01_01.json`.
        seconds: times of frames by the names of their images.

    Returns:
        name of the video, and its frames in the order of their times.

    Raises:
        DatasetError: the file is missing or malformed, or names a frame without a time.
    """
    content = read_json(path)
    entries = content.get('video_annotations') if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise DatasetError(f'{path} contains no video_annotations; expected those of VISOR')
    frames = []
    for number, entry in enumerate(entries):
        with naming(f'entry {number} of {path}'):
            frames.append(_read_frame(entry, seconds))
    return path.stem, tuple(sorted(frames, key=lambda frame: frame.seconds))


def _read_frame(entry: Mapping[str, Any], seconds: Mapping[str, Any]) -> VisorFrame:
    file = str(entry['image']['name'])
    if file not in seconds:
        raise ValueError(f'{file} has no time in frames_to_timestamps.json')
    annotations = entry['annotations']
    return VisorFrame(
        file,
        float(seconds[file]),
        tuple(_read_entity(annotation) for annotation in annotations),
        frozenset(_names_in_contact(annotations)),
    )


def _read_entity(annotation: Mapping[str, Any]) -> Entity:
    # Some segments are empty, or have one or two corners.
    outlines = tuple(
        np.asarray(segment, np.float64) for segment in annotation['segments'] if len(segment) > 2
    )
    return Entity(
        str(annotation['name']),
        int(annotation['class_id']),
        PolygonMask(outlines) if outlines else None,
        annotation['exhaustive'] == 'y',
    )


def _names_in_contact(annotations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the objects in contact with hands and gloves; for other values, no id."""
    by_id = {annotation['id']: annotation for annotation in annotations}
    held = (by_id.get(annotation.get('in_contact_object')) for annotation in annotations)
    # A glove on a hand has a separate value.
    return [
        str(annotation['name'])
        for annotation in held
        if annotation is not None and not annotation.get('on_which_hand')
    ]
