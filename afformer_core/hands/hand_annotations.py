# SPDX-License-Identifier: Apache-2.0
"""Annotated images of hands in 100DOH's layout, which is that of VOC.

A folder holds `JPEGImages/NAME.jpg`, `Annotations/NAME.xml`, and the names of a split's pictures,
a line each, in `ImageSets/Main/SPLIT.txt`. The simulator also writes frames of the same video
before and after a picture, evenly spaced, which 100DOH lacks: `JPEGImages-3/NAME.jpg` to
`JPEGImages+3/NAME.jpg`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from afformer_core.data.annotated_dataset import naming, read_text
from afformer_core.errors import DatasetError

# In contact with a portable or a stationary object; with nothing, oneself or another person are
# 0, 1 and 2.
_INTERACTING = (3, 4)
_STATES = range(5)
# Of a picture in its video, in steps of time, and their folders.
NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
NEIGHBOUR_FOLDERS = tuple(f'JPEGImages{step:+d}' for step in NEIGHBOURS)
_UNKNOWN = ('', 'None')
_EDGES = ('xmin', 'ymin', 'xmax', 'ymax')


@dataclass(frozen=True)
class HandAnnotation:
    """A hand that somebody marked.

    Attributes:
        box: (left, top, right, bottom) in pixels, of the edges of pixels: a picture of a width W
            reaches from 0 to W. It lies in the picture.
        contact: whether it touches an object; people are none.
        difficult: whether it neither counts as missed nor as wrongly found.
        touch: (x, y) in pixels, the middle of the box of what it touches; None where it touches
            nothing or that was not marked.
    """

    box: tuple[float, float, float, float]
    contact: bool
    difficult: bool = False
    touch: tuple[float, float] | None = None


@dataclass(frozen=True)
class AnnotatedPicture:
    """A picture and the hands in it.

    Attributes:
        image: file of the picture.
        size: (width, height) of it in pixels.
        hands: that were marked; there may be none.
        neighbours: files of the frames around it in the same video, at `NEIGHBOURS`; none where
            they are not known.
    """

    image: Path
    size: tuple[int, int]
    hands: tuple[HandAnnotation, ...]
    neighbours: tuple[Path, ...]


def read_hand_annotations(folder: Path, split: str) -> list[AnnotatedPicture]:
    """The pictures of a split; they are not opened.

    Args:
        folder: of the dataset.
        split: name of its list of pictures, such as `trainval` or `test`.

    Raises:
        DatasetError: the list, a picture or an annotation is missing, or one is malformed.
    """
    path = folder / 'ImageSets' / 'Main' / f'{split}.txt'
    names = read_text(path).split()
    if not names:
        raise DatasetError(f'{path} names no picture; give another split')
    return [_picture(folder, name) for name in names]


def _picture(folder: Path, name: str) -> AnnotatedPicture:
    image = folder / 'JPEGImages' / f'{name}.jpg'
    if not image.is_file():
        raise DatasetError(f'there is no picture {image}, though its split names it')
    path = folder / 'Annotations' / f'{name}.xml'
    text = read_text(path)
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DatasetError(f'{path} is not XML: {error}') from error
    with naming(str(path)):
        size = int(_text(root, 'size/width')), int(_text(root, 'size/height'))
        hands = [each for each in root.iter('object') if _is_hand(each)]
        marked = tuple(_hand(each, size) for each in hands)
    around = tuple(folder / part / f'{name}.jpg' for part in NEIGHBOUR_FOLDERS)
    known = all(each.is_file() for each in around)
    return AnnotatedPicture(image, size, marked, around if known else ())


def _is_hand(element: ElementTree.Element) -> bool:
    """Whether it is a hand, and not an object that a hand touches."""
    name = _text(element, 'name').lower()
    if name not in ('hand', 'targetobject'):
        raise ValueError(f'an object has the name {name!r}; hand or targetobject is wanted')
    return name == 'hand'


def _hand(element: ElementTree.Element, size: tuple[int, int]) -> HandAnnotation:
    state = _number(element, 'contactstate')
    if state not in _STATES:
        raise ValueError(f'a hand has the contactstate {state}; 0 to 4 is wanted')
    edges = [float(_text(element, f'bndbox/{key}')) for key in _EDGES]
    interacts = state in _INTERACTING
    return HandAnnotation(
        _box(edges, size),
        interacts,
        _number(element, 'difficult') == 1,
        _touch(element) if interacts else None,
    )


def _touch(element: ElementTree.Element) -> tuple[float, float] | None:
    """The middle of the object that a hand touches, whose first and last pixels count from 1."""
    texts = [(element.findtext(f'obj{key}') or '').strip() for key in _EDGES]
    if any(text in _UNKNOWN for text in texts):
        return None
    first_x, first_y, last_x, last_y = map(float, texts)
    return (first_x - 1 + last_x) / 2, (first_y - 1 + last_y) / 2


def _box(edges: Iterable[float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The edges of the part in the picture, of the first and last pixels, which count from 1."""
    first_x, first_y, last_x, last_y = edges
    left, top = max(first_x - 1, 0.0), max(first_y - 1, 0.0)
    right, bottom = min(last_x, float(size[0])), min(last_y, float(size[1]))
    if not (left < right and top < bottom):
        raise ValueError(
            f'a hand has the box {[first_x, first_y, last_x, last_y]}, of which nothing lies in '
            f'the picture of {size[0]}x{size[1]} pixels'
        )
    return left, top, right, bottom


def _number(element: ElementTree.Element, key: str) -> int:
    """A whole number; 0 where it is missing or unknown, as 100DOH's own code reads it."""
    text = (element.findtext(key) or '').strip()
    return 0 if text in _UNKNOWN else int(text)


def _text(element: ElementTree.Element, path: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise KeyError(path)
    return text.strip()
