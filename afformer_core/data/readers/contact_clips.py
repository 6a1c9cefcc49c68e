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

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.data.annotation_files import naming, read_json
from afformer_core.data.readers.part_pairs import ClipPoint
from afformer_core.errors import DatasetError

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
    file = folder / CLIPS_FILE
    content = read_json(file)
    if not isinstance(content, list) or not content:
        raise DatasetError(f'{file} must hold a list of at least one clip')
    clips = [_read_clip(entry, folder, f'clip {n} of {file}') for n, entry in enumerate(content)]
    names = [clip.name for clip in clips]
    if twice := [name for name in names if names.count(name) > 1]:
        raise DatasetError(f'{file} has two clips {twice[0]!r}; rename one')
    return clips


def _read_clip(entry: Any, folder: Path, name: str) -> ContactClip:
    if not isinstance(entry, dict):
        raise DatasetError(f'{name} is {entry!r}; expected an object')
    with naming(f'{name} ({entry["id"]})' if 'id' in entry else name):
        path = entry['clip']
        if not isinstance(path, str) or not path:
            raise ValueError(f'clip is {path!r}; expected a path')
        rate, before = entry.get('clip_rate'), entry.get('before')
        return ContactClip(
            name=str(entry.get('id', path)),
            path=folder / path,
            contact=_read_point(entry['contact']),
            before=None if before is None else _read_point(before),
            other_hand=tuple(_read_point(point) for point in entry.get('other_hand') or ()),
            rate=None if rate is None else float(rate),
            source=str(entry.get('repository') or folder.resolve().name),
            source_video=str(entry.get('source_video') or path),
            is_in_pairs=bool(entry.get('in_pairs_json', False)),
        )


def _read_point(value: Any) -> ClipPoint:
    frame = value['frame']
    if not isinstance(frame, int):
        raise ValueError(f'frame is {frame!r}; expected a whole number')
    return ClipPoint(frame, float(value['x']), float(value['y']))
