# SPDX-License-Identifier: Apache-2.0
"""Simulated pictures of hands on disk, in 100DOH's form.

- `Annotations/train_00000_0_contact.xml`: hands and what they touch, see `hand_annotation`
- `JPEGImages/train_00000_0_contact.jpg`: the picture; `far` or `hover` or `after` in the place of
  `contact` are the same demonstration at other times, `alone` is the appliance without a hand
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

from afformer_core.sim.demonstration import Demonstration
from afformer_core.sim.demonstrations import plan_demonstrations
from afformer_core.sim.element import CARRIED
from afformer_core.sim.hand_annotation import (
    NO_CONTACT,
    PORTABLE_OBJECT,
    STATIONARY_OBJECT,
    AnnotatedHand,
    annotation_xml,
)
from afformer_core.sim.motion import Motion
from afformer_core.sim.picture_file import write_jpeg
from afformer_core.sim.production import Production
from afformer_core.sim.renderer import Renderer
from afformer_core.sim.scene import Scene
from afformer_core.sim.scene_plan import ScenePlan
from afformer_core.sim.seeds import Stream, generator
from afformer_core.sim.sight import element_box, hand_box
from afformer_core.sim.view import plan_target, render_views

# Times, of a clip's whole length; between `_CLEAR` before a contact and its begin it is hard to
# tell whether the hand touches.
_CLEAR, _HOVER = 0.03, 0.1
_KEY = 2


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


def _make(split: str, plan: HandsPlan, index: int, folder: Path) -> list[dict[str, Any]]:
    """Write the pictures of an appliance and their annotations; returns what they show."""
    scene = plan.scene(index)
    for part in ('JPEGImages', 'Annotations'):
        (folder / part).mkdir()
    side = plan.longest_side
    pictures: list[tuple[str, np.ndarray, list[AnnotatedHand], Demonstration | None]] = []
    with Renderer(scene, (side, side)) as renderer:
        for k, demonstration in enumerate(plan_demonstrations(scene, plan.demonstrations, side)):
            stem = f'{split}_{index:05d}_{k}'
            random = generator(scene.seed, Stream.ANNOTATION, _KEY, k)
            for moment, time in moments(demonstration.motion, random).items():
                image, hands = _picture(renderer, scene, demonstration, time, random)
                pictures.append((f'{stem}_{moment}', image, hands, demonstration))
            view = plan_target(scene, k, side)
            alone = render_views(scene, [view], renderer)[0]
            pictures.append((f'{stem}_alone', alone, [], None))
    quality = generator(scene.seed, Stream.ANNOTATION, _KEY)
    for name, image, hands, _ in pictures:
        write_jpeg(folder / 'JPEGImages' / f'{name}.jpg', image, int(quality.integers(75, 97)))
        annotation = annotation_xml(f'{name}.jpg', (image.shape[1], image.shape[0]), hands)
        (folder / 'Annotations' / f'{name}.xml').write_bytes(annotation)
    return [_record(scene, name, demonstration) for name, _, _, demonstration in pictures]


def _picture(
    renderer: Renderer,
    scene: Scene,
    plan: Demonstration,
    time: float,
    random: np.random.Generator,
) -> tuple[np.ndarray, list[AnnotatedHand]]:
    """A frame of a demonstration, and the hand in it if one is seen."""
    view = plan.view
    capsules = plan.capsules(scene.appliance, time)
    renderer.set_room(view.lighting, view.surroundings)
    clean = renderer.render(plan.camera(time), view.size, capsules, plan.states(time))
    image = view.sensor.expose(clean, random)
    box = hand_box(renderer, plan, time, capsules)
    if box is None:
        return image, []
    if not plan.motion.in_contact(time):
        return image, [AnnotatedHand(box, plan.hand.left, NO_CONTACT)]
    portable = set(CARRIED) & set(scene.appliance.elements[plan.element].actions)
    contact = PORTABLE_OBJECT if portable else STATIONARY_OBJECT
    touched = element_box(renderer, plan, time)
    return image, [AnnotatedHand(box, plan.hand.left, contact, touched)]


def _record(scene: Scene, name: str, plan: Demonstration | None) -> dict[str, Any]:
    shown = {'name': name, 'family': scene.family}
    if plan is None:
        return shown
    return {**shown, 'element': plan.element, 'action': plan.action}
