# SPDX-License-Identifier: Apache-2.0
"""Annotations of hands in the format of 100DOH: VOC XML, in which the first pixel is 1."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from afformer_sim.scene.visibility import Box

NO_CONTACT, PORTABLE_OBJECT, STATIONARY_OBJECT = 0, 3, 4


@dataclass(frozen=True)
class AnnotatedHand:
    """Hand in an image, and the element that it touches.

    Attributes:
        box: box of palm and fingers.
        left: True for a left hand.
        contact: `NO_CONTACT`, `PORTABLE_OBJECT` or `STATIONARY_OBJECT`.
        contact_box: box of the touched element; None without contact, or if the element is hidden.
    """

    box: Box
    left: bool
    contact: int
    contact_box: Box | None = None


def annotation_xml(name: str, size: tuple[int, int], hands: list[AnnotatedHand]) -> bytes:
    """Write the annotation of an image as XML.

    Args:
        name: name of the image file.
        size: (width, height) of the image.
        hands: hands that are visible in it.
    """
    root = ElementTree.Element('annotation')
    _add(root, 'folder', 'JPEGImages')
    _add(root, 'filename', name)
    dimensions = ElementTree.SubElement(root, 'size')
    for key, value in zip(('width', 'height', 'depth'), (*size, 3), strict=True):
        _add(dimensions, key, value)
    _add(root, 'segmented', 0)
    for hand in hands:
        _add_hand(root, hand, size)
        if hand.contact_box is not None:
            _add_contact_box(root, hand, hand.contact_box, size)
    ElementTree.indent(root)
    return ElementTree.tostring(root) + b'\n'


def _add_hand(root: ElementTree.Element, hand: AnnotatedHand, size: tuple[int, int]) -> None:
    found = _add_object(root, 'hand', hand.box, size)
    _add(found, 'contactstate', hand.contact)
    _add(found, 'handside', 0 if hand.left else 1)
    for key, value in zip(('magnitude', 'unitdx', 'unitdy'), _vector(hand), strict=True):
        _add(found, key, value)
    for key, edge in zip(('xmin', 'ymin', 'xmax', 'ymax'), _edges(hand.contact_box), strict=True):
        _add(found, f'obj{key}', edge)


def _add_contact_box(
    root: ElementTree.Element, hand: AnnotatedHand, contact_box: Box, size: tuple[int, int]
) -> None:
    found = _add_object(root, 'targetobject', contact_box, size)
    _add(found, 'contactleft', int(hand.left))
    _add(found, 'contactright', int(not hand.left))
    for key in ('contactstate', 'handside', 'magnitude', 'unitdx', 'unitdy'):
        ElementTree.SubElement(found, key)
    for key in ('xmin', 'ymin', 'xmax', 'ymax'):
        _add(found, f'obj{key}', None)


def _add_object(
    root: ElementTree.Element, name: str, box: Box, size: tuple[int, int]
) -> ElementTree.Element:
    found = ElementTree.SubElement(root, 'object')
    _add(found, 'name', name)
    _add(found, 'pose', 'Unspecified')
    _add(found, 'truncated', int(box.reaches_border(size)))
    _add(found, 'difficult', 0)
    bounds = ElementTree.SubElement(found, 'bndbox')
    for key, edge in zip(('xmin', 'ymin', 'xmax', 'ymax'), _edges(box), strict=True):
        _add(bounds, key, edge)
    return found


def _vector(hand: AnnotatedHand) -> tuple[float | None, ...]:
    """Compute length and direction of the vector from the hand to the touched element."""
    if hand.contact_box is None:
        return (None,) * 3
    vector = hand.contact_box.centre - hand.box.centre
    length = float(np.hypot(*vector))
    x, y = (vector / length if length else vector).tolist()
    return round(length, 3), round(x, 5), round(y, 5)


def _edges(box: Box | None) -> tuple[int | None, ...]:
    """Return left, top, right and bottom, counted from 1; None each without a box."""
    if box is None:
        return (None,) * 4
    return box.left + 1, box.top + 1, box.right + 1, box.bottom + 1


def _add(parent: ElementTree.Element, key: str, value: object) -> None:
    ElementTree.SubElement(parent, key).text = str(value)
