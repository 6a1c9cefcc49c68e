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

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from afformer_core.media.images import write_jpeg
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS
from afformer_core.offline.parallel.resumable_dataset import Production
from afformer_sim.bodies.element import CARRIED
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.scene.demonstration import SimulatedDemonstration, plan_demonstrations
from afformer_sim.scene.motion import DemonstratedMotion
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.scene_settings import SceneSettings
from afformer_sim.scene.view import plan_target, render_views
from afformer_sim.scene.visibility import Box, element_box, hand_box

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


# Shares of a clip's length; between `_CLEAR` before a contact and its start it is hard to see
# whether the hand touches.
_CLEAR, _HOVER = 0.03, 0.1
_KEY = 2


@dataclass(frozen=True, kw_only=True)
class HandsSettings(SceneSettings):
    """Contents of a dataset of hands.

    Attributes:
        seed, fixtures, families, held_out: see `SceneSettings`.
        demonstrations: number for each fixture; each gives an image before, while and after the
            hand touches the element, one in which it hovers, and one without a hand.
        longest_side: longest side of every image, in pixels.

    Raises:
        ValueError: a number is out of range, or a family unknown.
    """

    demonstrations: int = 2
    longest_side: int = 256


def write_hands(
    folder: Path, split: str, settings: HandsSettings, engine: ParallelEngine = ONE_PROCESS
) -> Iterator[int]:
    """Render the missing images of hands; yield the number of finished fixtures.

    Args:
        folder: folder of the dataset, created if missing.
        split: name of the list of images; those of 100DOH are `trainval` and `test`.
        settings: contents of the dataset.
        engine: engine that renders the samples.

    Raises:
        DatasetError: see `Production.run`.
    """
    description = {'layout': 'hands', **settings.described()}
    make, merge = partial(_make, split, settings), partial(_merge, split)
    return Production(folder, split, description, settings.scenes, make, merge).run(engine)


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


def _merge(split: str, folder: Path, entries: list[Any]) -> None:
    lists = folder / 'ImageSets' / 'Main'
    lists.mkdir(parents=True)
    names = [hand_image['name'] for entry in entries for hand_image in entry]
    (lists / f'{split}.txt').write_text(''.join(f'{name}\n' for name in names))


@dataclass(frozen=True)
class _HandImage:
    """Image with its annotation, ready to write.

    Attributes:
        name: name of its files.
        image: uint8 RGB [H, W, 3].
        hands: hands that are visible in it.
        demonstration: rendered demonstration; None without a hand.
    """

    name: str
    image: np.ndarray
    hands: tuple[AnnotatedHand, ...]
    demonstration: SimulatedDemonstration | None

    def write(self, folder: Path, quality: int) -> None:
        """Write image and annotation, as JPEG of a quality."""
        write_jpeg(folder / 'JPEGImages' / f'{self.name}.jpg', self.image, quality)
        size = (self.image.shape[1], self.image.shape[0])
        annotation = annotation_xml(f'{self.name}.jpg', size, list(self.hands))
        (folder / 'Annotations' / f'{self.name}.xml').write_bytes(annotation)


def _make(split: str, settings: HandsSettings, index: int, folder: Path) -> list[dict[str, Any]]:
    """Write the images of a fixture and their annotations; return a description of them."""
    scene = settings.scene(index)
    for part in ('JPEGImages', 'Annotations'):
        (folder / part).mkdir()
    side = settings.longest_side
    hand_images: list[_HandImage] = []
    with Renderer(scene, (side, side)) as renderer:
        for k, demonstration in enumerate(
            plan_demonstrations(scene, settings.demonstrations, side)
        ):
            stem = f'{split}_{index:05d}_{k}'
            rng = make_rng(scene.seed, Stream.ANNOTATION, _KEY, k)
            for moment, time in moments(demonstration.motion, rng).items():
                image = _frame(renderer, scene, demonstration, time, rng)
                hands = _hands(renderer, scene, demonstration, time)
                hand_images.append(_HandImage(f'{stem}_{moment}', image, hands, demonstration))
            view = plan_target(scene, k, side)
            (alone,) = render_views(scene, [view], renderer)
            hand_images.append(_HandImage(f'{stem}_alone', alone, (), None))
    quality = make_rng(scene.seed, Stream.ANNOTATION, _KEY)
    for hand_image in hand_images:
        hand_image.write(folder, int(quality.integers(75, 97)))
    return [_entry(scene, hand_image.name, hand_image.demonstration) for hand_image in hand_images]


def _frame(
    renderer: Renderer,
    scene: Scene,
    demonstration: SimulatedDemonstration,
    time: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Render a frame of a demonstration."""
    view = demonstration.view
    capsules = demonstration.capsules(scene.fixture, time)
    renderer.set_room(view.lighting, view.surroundings)
    clean = renderer.render(
        demonstration.camera(time), view.size, capsules, demonstration.states(time)
    )
    return view.sensor.expose(clean, rng)


def _hands(
    renderer: Renderer, scene: Scene, demonstration: SimulatedDemonstration, time: float
) -> tuple[AnnotatedHand, ...]:
    """Annotate the hand in the frame that was rendered last, if it is visible."""
    box = hand_box(renderer, demonstration, time, demonstration.capsules(scene.fixture, time))
    if box is None:
        return ()
    if not demonstration.motion.in_contact(time):
        return (AnnotatedHand(box, demonstration.hand.left, NO_CONTACT),)
    portable = set(CARRIED) & set(scene.fixture.elements[demonstration.element].actions)
    contact = PORTABLE_OBJECT if portable else STATIONARY_OBJECT
    contact_box = element_box(renderer, demonstration, time)
    return (AnnotatedHand(box, demonstration.hand.left, contact, contact_box),)


def _entry(
    scene: Scene, name: str, demonstration: SimulatedDemonstration | None
) -> dict[str, Any]:
    shown = {'name': name, 'family': scene.family}
    if demonstration is None:
        return shown
    return {**shown, 'element': demonstration.element, 'action': demonstration.action}
