# SPDX-License-Identifier: Apache-2.0
"""A reader of clips with the marked contact of a hand, to measure how contacts are read.

    my_contacts/
      clips.json                     a list with one object a clip
      clips/open_drawer.mp4          media, at the paths that `clips.json` names

An object of `clips.json`; `clip` and `contact` are required:

    {"clip": "clips/open_drawer.mp4", "contact": {"frame": 45, "x": 290, "y": 45},
     "before": {"frame": 0, "x": 292, "y": 48}, "clip_rate": 30.0, "id": "drawer_1",
     "other_hand": [{"frame": 12, "x": 120, "y": 200}], "source_video": "kitchen_tour",
     "repository": "someone/kitchens", "in_pairs_json": false}

- `contact`: first frame, from 0, in which the operating hand touches the element, and the pixel
  of that frame. `before`: a frame in which no hand covers that point, and its pixel there.
- `clip_rate`: frames per second; the moment of contact is measured if it is given.
- `other_hand`: contacts of the other hand in the same clip.
- `in_pairs_json`: whether the clip is also one of a folder of pairs.
- `source_video`, `repository`: as in a folder of pairs with outlined parts.

Other names are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.files.annotation_files import naming, read_entries
from afformer_core.offline.data.manifest.contents import parse
from afformer_core.offline.data.readers.part_pairs import ClipPoint

CLIPS_FILE = 'clips.json'


@dataclass(frozen=True)
class ContactClip:
    """A clip of a hand that operates a part, with the marked contact.

    Attributes:
        name: unique in its folder.
        path: path of the video.
        contact: time and position of the contact of the operating hand.
        before: the same point while no hand covers it, or None.
        other_hand: contacts of the other hand.
        rate: frames per second; None: unknown.
        source: origin of the clip; the name of the folder if that is not given.
        source_video: video from which the clip was cut.
        is_in_pairs: whether it is also a clip of a folder of pairs.
    """

    name: str
    path: Path
    contact: ClipPoint
    before: ClipPoint | None = None
    other_hand: tuple[ClipPoint, ...] = ()
    rate: float | None = None
    source: str = ''
    source_video: str = ''
    is_in_pairs: bool = False

    def __post_init__(self) -> None:
        if self.rate is not None and self.rate <= 0:
            raise ValueError(f'clip_rate is {self.rate}; expected frames per second above 0')

    @property
    def marked(self) -> ClipPoint:
        """The contact point, in a frame that shows it uncovered if there is one."""
        return self.before or self.contact

    @property
    def moment(self) -> float | None:
        """Seconds from the beginning of the clip to the contact; None: unknown."""
        return None if self.rate is None else self.contact.frame / self.rate

    @property
    def group(self) -> tuple[str, str]:
        """Source and source video, which dependent clips share."""
        return self.source, self.source_video


def read_contact_clips(folder: Path) -> list[ContactClip]:
    """Read the clips of a folder in the layout of this module, without opening media.

    Raises:
        DatasetError: there is no `clips.json`, or an entry is malformed, with its name.
    """
    clips: dict[str, ContactClip] = {}
    for position, entry in read_entries(folder / CLIPS_FILE, 'clip').items():
        with naming(position):
            clip = _read_clip(entry, folder)
            if clip.name in clips:
                raise ValueError(f'another clip is named {clip.name}. Take one of them out')
            clips[clip.name] = clip
    return list(clips.values())


def _read_clip(entry: Mapping[str, Any], folder: Path) -> ContactClip:
    path, rate, before = (
        parse('clip', str, entry['clip']),
        entry.get('clip_rate'),
        entry.get('before'),
    )
    return ContactClip(
        name=str(entry.get('id', path)),
        path=folder / path,
        contact=ClipPoint.from_json('contact', entry['contact']),
        before=None if before is None else ClipPoint.from_json('before', before),
        other_hand=tuple(
            ClipPoint.from_json('other_hand', mark) for mark in entry.get('other_hand') or ()
        ),
        rate=None if rate is None else float(rate),
        source=str(entry.get('repository') or folder.resolve().name),
        source_video=str(entry.get('source_video') or path),
        is_in_pairs=bool(entry.get('in_pairs_json', False)),
    )
