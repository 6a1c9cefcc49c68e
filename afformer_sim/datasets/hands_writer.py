# SPDX-License-Identifier: Apache-2.0
"""Writer of simulated images of hands in the format of 100DOH.

- `Annotations/train_00000_0_contact.xml`: hands and touched elements
- `JPEGImages/train_00000_0_contact.jpg`: the image; names with `far`, `hover` or `after` instead
  of `contact` show the same demonstration at other times, `alone` the fixture without a hand
- `ImageSets/Main/SPLIT.txt`: names of a split's images
- `simulation.json`, `scenes/SPLIT/00000.json`: see `production`; the latter has the family,
  element and action of each image of fixture 0
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from afformer_core.media.images import write_jpeg
from afformer_sim.bodies.element import CARRIED
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.datasets.layouts import HandsSettings
from afformer_sim.scene.demonstration import (
    SimulatedDemonstration,
    plan_demonstrations,
    render_frame,
)
from afformer_sim.scene.motion import DemonstratedMotion
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import plan_target, render_views
from afformer_sim.scene.visibility import Box, element_box, hand_box

_VECTOR = ('magnitude', 'unitdx', 'unitdy')
_EDGES = ('xmin', 'ymin', 'xmax', 'ymax')
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
    dimensions = {'width': size[0], 'height': size[1], 'depth': 3}
    _fill(root, {'folder': 'JPEGImages', 'filename': name, 'size': dimensions, 'segmented': 0})
    for hand in hands:
        state = {
            'contactstate': hand.contact,
            'handside': 0 if hand.left else 1,
            **_vector(hand),
            **_edges(hand.contact_box, 'obj'),
        }
        _fill(root, {'object': {**_object('hand', hand.box, size), **state}})
        if hand.contact_box is not None:
            sides = {'contactleft': int(hand.left), 'contactright': int(not hand.left)}
            unknown = dict.fromkeys(('contactstate', 'handside', *_VECTOR), '')
            target = {**_object('targetobject', hand.contact_box, size), **sides, **unknown}
            _fill(root, {'object': {**target, **_edges(None, 'obj')}})
    ElementTree.indent(root)
    return ElementTree.tostring(root) + b'\n'


def _fill(parent: ElementTree.Element, content: Mapping[str, Any]) -> None:
    """Add an element for each item, whose value is a text, a number or the content of its own."""
    for key, value in content.items():
        child = ElementTree.SubElement(parent, key)
        if isinstance(value, Mapping):
            _fill(child, value)
        else:
            child.text = str(value)


def _object(name: str, box: Box, size: tuple[int, int]) -> dict[str, Any]:
    return {
        'name': name,
        'pose': 'Unspecified',
        'truncated': int(box.reaches_border(size)),
        'difficult': 0,
        'bndbox': _edges(box),
    }


def _vector(hand: AnnotatedHand) -> dict[str, float | None]:
    """Compute length and direction of the vector from the hand to the touched element."""
    if hand.contact_box is None:
        return dict.fromkeys(_VECTOR)
    vector = hand.contact_box.centre - hand.box.centre
    length = float(np.hypot(*vector))
    x, y = (vector / length if length else vector).tolist()
    return dict(zip(_VECTOR, (round(length, 3), round(x, 5), round(y, 5)), strict=True))


def _edges(box: Box | None, start: str = '') -> dict[str, int | None]:
    """Return left, top, right and bottom, counted from 1; None each without a box."""
    edges: tuple[int | None, ...] = (None,) * 4
    if box is not None:
        edges = box.left + 1, box.top + 1, box.right + 1, box.bottom + 1
    return {f'{start}{key}': edge for key, edge in zip(_EDGES, edges, strict=True)}


# Shares of a clip's length; between `_CLEAR` before a contact and its start it is hard to see
# whether the hand touches.
_CLEAR, _HOVER = 0.03, 0.1
_KEY = 2


def moments(motion: DemonstratedMotion, rng: np.random.Generator) -> dict[str, float]:
    """Draw a time in the clip, 0 to 1, for each phase of the motion in it."""
    ranges = {
        'far': (0.0, motion.start - _HOVER),
        'hover': (max(0.0, motion.start - _HOVER), motion.start - _CLEAR),
        'contact': (max(0.0, motion.start), min(1.0, motion.end)),
        'after': (motion.end + _CLEAR, 1.0),
    }
    return {
        name: rng.uniform(first, last) for name, (first, last) in ranges.items() if first < last
    }


def merge(split: str, folder: Path, entries: list[Any]) -> None:
    """Write the list of a split's images."""
    lists = folder / 'ImageSets' / 'Main'
    lists.mkdir(parents=True)
    names = [hand_image['name'] for entry in entries for hand_image in entry]
    (lists / f'{split}.txt').write_text(''.join(f'{name}\n' for name in names))


def make(split: str, settings: HandsSettings, index: int, folder: Path) -> list[dict[str, Any]]:
    """Write the images of a fixture and their annotations; return a description of them."""
    scene = settings.scene(index)
    for part in ('JPEGImages', 'Annotations'):
        (folder / part).mkdir()
    side = settings.longest_side
    quality = make_rng(scene.seed, Stream.ANNOTATION, _KEY)
    entries = []
    with Renderer(scene, (side, side)) as renderer:
        for k, demonstration in enumerate(
            plan_demonstrations(scene, settings.demonstrations, side)
        ):
            stem = f'{split}_{index:05d}_{k}'
            rng = make_rng(scene.seed, Stream.ANNOTATION, _KEY, k)
            use = {'element': demonstration.element, 'action': demonstration.action}
            for moment, time in moments(demonstration.motion, rng).items():
                image = render_frame(renderer, scene, demonstration, time, rng)
                hands = _hands(renderer, scene, demonstration, time)
                _write(folder, f'{stem}_{moment}', image, hands, quality)
                entries.append({'name': f'{stem}_{moment}', 'family': scene.family, **use})
            view = plan_target(scene, k, side)
            (alone,) = render_views(scene, [view], renderer)
            _write(folder, f'{stem}_alone', alone, [], quality)
            entries.append({'name': f'{stem}_alone', 'family': scene.family})
    return entries


def _write(
    folder: Path,
    name: str,
    image: np.ndarray,
    hands: list[AnnotatedHand],
    quality: np.random.Generator,
) -> None:
    """Write an image and its annotation, as JPEG of a drawn quality."""
    write_jpeg(folder / 'JPEGImages' / f'{name}.jpg', image, int(quality.integers(75, 97)))
    annotation = annotation_xml(f'{name}.jpg', (image.shape[1], image.shape[0]), hands)
    (folder / 'Annotations' / f'{name}.xml').write_bytes(annotation)


def _hands(
    renderer: Renderer, scene: Scene, demonstration: SimulatedDemonstration, time: float
) -> list[AnnotatedHand]:
    """Annotate the hand in the frame that was rendered last, if it is visible."""
    box = hand_box(renderer, demonstration, time, demonstration.capsules(scene.fixture, time))
    if box is None:
        return []
    if not demonstration.motion.in_contact(time):
        return [AnnotatedHand(box, demonstration.hand.left, NO_CONTACT)]
    portable = set(CARRIED) & set(scene.fixture.elements[demonstration.element].actions)
    contact = PORTABLE_OBJECT if portable else STATIONARY_OBJECT
    contact_box = element_box(renderer, demonstration, time)
    return [AnnotatedHand(box, demonstration.hand.left, contact, contact_box)]
