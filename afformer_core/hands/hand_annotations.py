# SPDX-License-Identifier: Apache-2.0
"""Annotated images of hands in 100DOH's layout, which is that of VOC.

A folder holds `JPEGImages/NAME.jpg`, `Annotations/NAME.xml`, and the names of a split's images,
one a line, in `ImageSets/Main/SPLIT.txt`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import naming, read_text

# Contact with a portable or a stationary object; 0, 1 and 2 are contact with nothing, oneself and
# another person.
_INTERACTING = (3, 4)
_STATES = range(5)
_UNKNOWN = ('', 'None')
_EDGES = ('xmin', 'ymin', 'xmax', 'ymax')


@dataclass(frozen=True)
class HandAnnotation:
    """A hand that a person marked.

    Attributes:
        box: (left, top, right, bottom) in pixels, of the edges of pixels: an image of width W
            reaches from 0 to W. It lies in the image.
        contact: whether the hand touches an object; people do not count as objects.
        difficult: whether the hand counts neither as missed nor as wrongly found.
    """

    box: tuple[float, float, float, float]
    contact: bool
    difficult: bool = False


@dataclass(frozen=True)
class AnnotatedImage:
    """An image and the hands in it.

    Attributes:
        image: file of the image.
        size: (width, height) of the image in pixels.
        hands: hands that were marked; may be empty.
    """

    image: Path
    size: tuple[int, int]
    hands: tuple[HandAnnotation, ...]


def read_hand_annotations(folder: Path, split: str) -> list[AnnotatedImage]:
    """Read the annotations of a split's images; the images are not opened.

    Args:
        folder: folder of the dataset.
        split: name of its list of images, such as `trainval` or `test`.

    Raises:
        DatasetError: the list, an image or an annotation is missing, or one is malformed.
    """
    path = folder / 'ImageSets' / 'Main' / f'{split}.txt'
    names = read_text(path).split()
    if not names:
        raise DatasetError(f'{path} names 0 images; expected at least 1. Give another split')
    return [_image(folder, name) for name in names]


def _image(folder: Path, name: str) -> AnnotatedImage:
    image = folder / 'JPEGImages' / f'{name}.jpg'
    if not image.is_file():
        raise DatasetError(f'{image} does not exist; its split names it. Complete the dataset')
    path = folder / 'Annotations' / f'{name}.xml'
    text = read_text(path)
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DatasetError(f'{path} is not XML: {error}') from error
    with naming(str(path)):
        size = int(_text(root, 'size/width')), int(_text(root, 'size/height'))
        hands = [node for node in root.iter('object') if _is_hand(node)]
        return AnnotatedImage(image, size, tuple(_hand(hand, size) for hand in hands))


def _is_hand(element: ElementTree.Element) -> bool:
    """Check whether an element is a hand, not an object that a hand touches."""
    name = _text(element, 'name').lower()
    if name not in ('hand', 'targetobject'):
        raise ValueError(f'the name of an object is {name!r}; expected hand or targetobject')
    return name == 'hand'


def _hand(element: ElementTree.Element, size: tuple[int, int]) -> HandAnnotation:
    state = _number(element, 'contactstate')
    if state not in _STATES:
        raise ValueError(f'the contactstate of a hand is {state}; expected 0 to 4')
    edges = [float(_text(element, f'bndbox/{key}')) for key in _EDGES]
    difficult = _number(element, 'difficult') == 1
    return HandAnnotation(_box(edges, size), state in _INTERACTING, difficult)


def _box(edges: Iterable[float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Convert first and last pixels, which count from 1, to edges, clipped to the image."""
    first_x, first_y, last_x, last_y = edges
    left, top = max(first_x - 1, 0.0), max(first_y - 1, 0.0)
    right, bottom = min(last_x, float(size[0])), min(last_y, float(size[1]))
    if not (left < right and top < bottom):
        raise ValueError(
            f'the box of a hand is {[first_x, first_y, last_x, last_y]}; expected a part of the '
            f'image of {size[0]}x{size[1]} pixels'
        )
    return left, top, right, bottom


def _number(element: ElementTree.Element, key: str) -> int:
    """Read a whole number; 0 if it is missing or unknown, as in 100DOH's own code."""
    text = (element.findtext(key) or '').strip()
    return 0 if text in _UNKNOWN else int(text)


def _text(element: ElementTree.Element, path: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise KeyError(path)
    return text.strip()
