# SPDX-License-Identifier: Apache-2.0
"""Writer of simulated images of hands in the format of 100DOH.

- `Annotations/train_00000_0_contact.xml`: hands and touched elements, see `hand_annotation`
- `JPEGImages/train_00000_0_contact.jpg`: the image; names with `far`, `hover` or `after` instead
  of `contact` show the same demonstration at other times, `alone` the fixture without a hand
- `JPEGImages-3/` to `JPEGImages+3/`, which 100DOH lacks: the camera's images one, two and three
  steps before and after each image, under the same name
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

import numpy as np

from afformer_core.hands.hand_annotations import NEIGHBOUR_FOLDERS, NEIGHBOURS
from afformer_core.media.images import write_jpeg
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS
from afformer_core.offline.parallel.resumable_dataset import Production
from afformer_sim.bodies.element import CARRIED
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.datasets.hand_annotation import (
    NO_CONTACT,
    PORTABLE_OBJECT,
    STATIONARY_OBJECT,
    AnnotatedHand,
    annotation_xml,
)
from afformer_sim.scene.demonstration import SimulatedDemonstration, plan_demonstrations
from afformer_sim.scene.motion import DemonstratedMotion
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.scene_settings import SceneSettings
from afformer_sim.scene.view import plan_target, render_views
from afformer_sim.scene.visibility import element_box, hand_box

# Shares of a clip's length; between `_CLEAR` before a contact and its start it is hard to see
# whether the hand touches.
_CLEAR, _HOVER = 0.03, 0.1
# Steps in time between neighbouring images, as shares of a clip: about a quarter of a second.
_STEP = (0.06, 0.12)
_KEY = 2
_NEIGHBOURS = 1
# Folders of an image and of its neighbours.
_IMAGES = ('JPEGImages', *NEIGHBOUR_FOLDERS)


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
    """Image with its neighbours and annotation, ready to write.

    Attributes:
        name: name of its files.
        image: uint8 RGB [H, W, 3].
        neighbours: images before and after it, in the order of their times.
        hands: hands that are visible in it.
        demonstration: rendered demonstration; None without a hand.
    """

    name: str
    image: np.ndarray
    neighbours: tuple[np.ndarray, ...]
    hands: tuple[AnnotatedHand, ...]
    demonstration: SimulatedDemonstration | None

    def write(self, folder: Path, quality: int) -> None:
        """Write images and annotation, as JPEG of a quality."""
        for part, image in zip(_IMAGES, (self.image, *self.neighbours), strict=True):
            write_jpeg(folder / part / f'{self.name}.jpg', image, quality)
        size = (self.image.shape[1], self.image.shape[0])
        annotation = annotation_xml(f'{self.name}.jpg', size, list(self.hands))
        (folder / 'Annotations' / f'{self.name}.xml').write_bytes(annotation)


def _make(split: str, settings: HandsSettings, index: int, folder: Path) -> list[dict[str, Any]]:
    """Write the images of a fixture and their annotations; return a description of them."""
    scene = settings.scene(index)
    for part in (*_IMAGES, 'Annotations'):
        (folder / part).mkdir()
    side = settings.longest_side
    hand_images: list[_HandImage] = []
    with Renderer(scene, (side, side)) as renderer:
        for k, demonstration in enumerate(
            plan_demonstrations(scene, settings.demonstrations, side)
        ):
            stem = f'{split}_{index:05d}_{k}'
            rng = make_rng(scene.seed, Stream.ANNOTATION, _KEY, k)
            aside = make_rng(scene.seed, Stream.ANNOTATION, _KEY, k, _NEIGHBOURS)
            for moment, time in moments(demonstration.motion, rng).items():
                image = _frame(renderer, scene, demonstration, time, rng)
                hands = _hands(renderer, scene, demonstration, time)
                around = tuple(
                    _frame(renderer, scene, demonstration, neighbour, aside)
                    for neighbour in neighbouring_times(time, aside)
                )
                name = f'{stem}_{moment}'
                hand_images.append(_HandImage(name, image, around, hands, demonstration))
            view = plan_target(scene, k, side)
            # noise differs between images, and must not reveal that there is a hand
            alone, *neighbours = render_views(scene, [view] * len(_IMAGES), renderer)
            hand_images.append(_HandImage(f'{stem}_alone', alone, tuple(neighbours), (), None))
    quality = make_rng(scene.seed, Stream.ANNOTATION, _KEY)
    for hand_image in hand_images:
        hand_image.write(folder, int(quality.integers(75, 97)))
    return [_entry(scene, hand_image.name, hand_image.demonstration) for hand_image in hand_images]


def neighbouring_times(time: float, rng: np.random.Generator) -> tuple[float, ...]:
    """Draw the times in the clip of an image's neighbours, in their order."""
    step = rng.uniform(*_STEP)
    return tuple(min(1.0, max(0.0, time + steps * step)) for steps in NEIGHBOURS)


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
