# SPDX-License-Identifier: Apache-2.0
"""Simulated images of hands on disk, in 100DOH's form.

- `Annotations/train_00000_0_contact.xml`: hands and what they touch, see `hand_annotation`
- `JPEGImages/train_00000_0_contact.jpg`: the picture; `far` or `hover` or `after` in the place of
  `contact` are the same demonstration at other times, `alone` is the appliance without a hand
- `JPEGImages-3/` to `JPEGImages+3/`, which 100DOH lacks: what the camera sees one, two and three
  moments before and after each picture, under the same name
- `ImageSets/Main/SPLIT.txt`: names of a split's pictures
- `simulation.json`, `scenes/SPLIT/00000.json`: see `production`; the latter has the family,
  element and action of each picture of appliance 0
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.hands.hand_annotations import NEIGHBOUR_FOLDERS, NEIGHBOURS
from afformer_core.media.image_files import write_jpeg
from afformer_core.parallel.resumable_dataset import Production
from afformer_core.sim.bodies.element import CARRIED
from afformer_core.sim.bodies.seeds import Stream, generator
from afformer_core.sim.datasets.hand_annotation import (
    NO_CONTACT,
    PORTABLE_OBJECT,
    STATIONARY_OBJECT,
    AnnotatedHand,
    annotation_xml,
)
from afformer_core.sim.scene.demonstration import Demonstration, plan_demonstrations
from afformer_core.sim.scene.motion import Motion
from afformer_core.sim.scene.renderer import Renderer
from afformer_core.sim.scene.scene import Scene
from afformer_core.sim.scene.scene_plan import ScenePlan
from afformer_core.sim.scene.sight import element_box, hand_box
from afformer_core.sim.scene.view import plan_target, render_views

# Times, of a clip's whole length; between `_CLEAR` before a contact and its begin it is hard to
# tell whether the hand touches.
_CLEAR, _HOVER = 0.03, 0.1
# How long it is from a picture to its neighbours, and from these to the next ones: about a quarter
# of a second.
_STEP = (0.06, 0.12)
_KEY = 2
_NEIGHBOURS = 1
# Folders of a picture and of its neighbours.
_PICTURES = ('JPEGImages', *NEIGHBOUR_FOLDERS)


@dataclass(frozen=True)
class HandsPlan(ScenePlan):
    """What a dataset of hands holds.

    Attributes:
        seed, appliances, families, held_out: see `ScenePlan`.
        demonstrations: of each appliance; each gives a picture before, while and after the hand
            touches the element, one in which it hovers, and one without a hand.
        longest_side: of every picture, in pixels.
    """

    demonstrations: int = 2
    longest_side: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_at_least(1, 'demonstrations')
        self._require_side(self.longest_side)


def write_hands(folder: Path, split: str, plan: HandsPlan, processes: int = 1) -> Iterator[int]:
    """Render pictures of hands, or what is missing of them; yields how many appliances are there.

    Args:
        folder: of the dataset, made where it is missing.
        split: name of the list of pictures; 100DOH's are `trainval` and `test`.
        plan: what to render.
        processes: how many render at once.

    Raises:
        DatasetError: see `Production.run`.
    """
    record = {'layout': 'hands', **asdict(plan)}
    del record['appliances']
    return Production(
        folder, split, record, plan.appliances, partial(_make, split, plan), partial(_merge, split)
    ).run(processes)


def moments(motion: Motion, random: np.random.Generator) -> dict[str, float]:
    """Times of a clip, 0 to 1, by what the hand does then; without what it does not show."""
    ranges = {
        'far': (0.0, motion.start - _HOVER),
        'hover': (max(0.0, motion.start - _HOVER), motion.start - _CLEAR),
        'contact': (max(0.0, motion.start), min(1.0, motion.end)),
        'after': (motion.end + _CLEAR, 1.0),
    }
    return {
        name: random.uniform(first, last) for name, (first, last) in ranges.items() if first < last
    }


def _merge(split: str, folder: Path, records: list[Any]) -> None:
    lists = folder / 'ImageSets' / 'Main'
    lists.mkdir(parents=True)
    names = [picture['name'] for record in records for picture in record]
    (lists / f'{split}.txt').write_text(''.join(f'{name}\n' for name in names))


@dataclass(frozen=True)
class _Picture:
    """A picture to write.

    Attributes:
        name: of its files.
        image: uint8 RGB [H, W, 3].
        neighbours: those before and after it, in the order of their times.
        hands: that are seen in it.
        plan: of the demonstration, if it is of one.
    """

    name: str
    image: np.ndarray
    neighbours: tuple[np.ndarray, ...]
    hands: tuple[AnnotatedHand, ...]
    plan: Demonstration | None

    def write(self, folder: Path, quality: int) -> None:
        """Write pictures and annotation, as JPEG of a quality."""
        for part, image in zip(_PICTURES, (self.image, *self.neighbours), strict=True):
            write_jpeg(folder / part / f'{self.name}.jpg', image, quality)
        size = (self.image.shape[1], self.image.shape[0])
        annotation = annotation_xml(f'{self.name}.jpg', size, list(self.hands))
        (folder / 'Annotations' / f'{self.name}.xml').write_bytes(annotation)


def _make(split: str, plan: HandsPlan, index: int, folder: Path) -> list[dict[str, Any]]:
    """Write the pictures of an appliance and their annotations; returns what they show."""
    scene = plan.scene(index)
    for part in (*_PICTURES, 'Annotations'):
        (folder / part).mkdir()
    side = plan.longest_side
    pictures: list[_Picture] = []
    with Renderer(scene, (side, side)) as renderer:
        for k, demonstration in enumerate(plan_demonstrations(scene, plan.demonstrations, side)):
            stem = f'{split}_{index:05d}_{k}'
            random = generator(scene.seed, Stream.ANNOTATION, _KEY, k)
            aside = generator(scene.seed, Stream.ANNOTATION, _KEY, k, _NEIGHBOURS)
            for moment, time in moments(demonstration.motion, random).items():
                image = _frame(renderer, scene, demonstration, time, random)
                hands = _hands(renderer, scene, demonstration, time)
                around = tuple(
                    _frame(renderer, scene, demonstration, each, aside)
                    for each in neighbouring_times(time, aside)
                )
                name = f'{stem}_{moment}'
                pictures.append(_Picture(name, image, around, hands, demonstration))
            view = plan_target(scene, k, side)
            # Noise differs, which must not tell that there is a hand.
            alone, *neighbours = render_views(scene, [view] * len(_PICTURES), renderer)
            pictures.append(_Picture(f'{stem}_alone', alone, tuple(neighbours), (), None))
    quality = generator(scene.seed, Stream.ANNOTATION, _KEY)
    for picture in pictures:
        picture.write(folder, int(quality.integers(75, 97)))
    return [_record(scene, picture.name, picture.plan) for picture in pictures]


def neighbouring_times(time: float, random: np.random.Generator) -> tuple[float, ...]:
    """When the neighbours of a picture are taken, in their order, in the clip."""
    step = random.uniform(*_STEP)
    return tuple(min(1.0, max(0.0, time + steps * step)) for steps in NEIGHBOURS)


def _frame(
    renderer: Renderer,
    scene: Scene,
    plan: Demonstration,
    time: float,
    random: np.random.Generator,
) -> np.ndarray:
    """A frame of a demonstration."""
    view = plan.view
    capsules = plan.capsules(scene.appliance, time)
    renderer.set_room(view.lighting, view.surroundings)
    clean = renderer.render(plan.camera(time), view.size, capsules, plan.states(time))
    return view.sensor.expose(clean, random)


def _hands(
    renderer: Renderer, scene: Scene, plan: Demonstration, time: float
) -> tuple[AnnotatedHand, ...]:
    """The hand in the frame that was rendered last, if one is seen."""
    box = hand_box(renderer, plan, time, plan.capsules(scene.appliance, time))
    if box is None:
        return ()
    if not plan.motion.in_contact(time):
        return (AnnotatedHand(box, plan.hand.left, NO_CONTACT),)
    portable = set(CARRIED) & set(scene.appliance.elements[plan.element].actions)
    contact = PORTABLE_OBJECT if portable else STATIONARY_OBJECT
    touched = element_box(renderer, plan, time)
    return (AnnotatedHand(box, plan.hand.left, contact, touched),)


def _record(scene: Scene, name: str, plan: Demonstration | None) -> dict[str, Any]:
    shown = {'name': name, 'family': scene.family}
    if plan is None:
        return shown
    return {**shown, 'element': plan.element, 'action': plan.action}
