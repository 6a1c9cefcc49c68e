# SPDX-License-Identifier: Apache-2.0
"""Writer of simulated datasets in the format of OPRA.

- `SPLIT.json`: list of entries as in OPRA, each with the additional keys `scene`, `scene_seed`,
  `family`, `element`, `elements`, `contact` (first and last frame in which the hand is on the
  element, null if there is none), `clip_size` (width and height of the clip) and `contact_point`
  (for each frame of the clip the pixel (x, y) of the point that is touched at any time, null if it
  is outside the image)
- `actions.json`: names of the actions 1, 2, ...
- `simulation.json`: settings of each split
- `clips/SPLIT/00000/0.mp4`: first demonstration of fixture 0
- `clips/SPLIT/00000/0.hands.json`: the hand in each of its frames (see `hands_file`)
- `images/SPLIT/00000/0.jpg`: its first target view
- `scenes/SPLIT/00000.json`: its entries; written last, so that it marks the fixture complete
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from afformer_core.hands.simulated_hands import hands_file
from afformer_core.media.images import write_jpeg
from afformer_core.media.video import encode_video
from afformer_core.offline.parallel.resumable_dataset import write_json
from afformer_sim.bodies.element import ACTIONS
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.bodies.solid import STILL
from afformer_sim.datasets.layouts import DatasetSettings
from afformer_sim.scene.demonstration import (
    SimulatedDemonstration,
    plan_demonstrations,
    render_clip,
    with_meshes,
)
from afformer_sim.scene.hand_skins import skins_xml
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import SceneView, front_points, plan_target, render_views
from afformer_sim.scene.visibility import elements_in_view, hand_box, points_seen


def merge(split: str, folder: Path, entries: list[Any]) -> None:
    """Write the entries of all scenes, and the names of the actions."""
    write_json(folder / 'actions.json', list(ACTIONS))
    write_json(folder / f'{split}.json', [entry for made in entries for entry in made])


def make(split: str, settings: DatasetSettings, index: int, folder: Path) -> list[dict[str, Any]]:
    """Write the clips and target views of a fixture; return its entries."""
    scene = settings.scene(index)
    demonstrations = plan_demonstrations(
        scene, settings.demonstrations, settings.longest_side, performances=settings.performances
    )
    if settings.hand == 'mesh':
        demonstrations = [
            with_meshes(demonstration, make_rng(scene.seed, Stream.HAND_STYLE, k))
            for k, demonstration in enumerate(demonstrations)
        ]
    targets = [
        plan_target(scene, number, settings.longest_side) for number in range(settings.targets)
    ]
    clips = [f'clips/{split}/{index:05d}/{k}.mp4' for k in range(len(demonstrations))]
    images = [f'images/{split}/{index:05d}/{k}.jpg' for k in range(len(targets))]
    for name in (clips[0], images[0]):
        (folder / name).parent.mkdir(parents=True)
    buffer = (settings.longest_side, settings.longest_side)
    with Renderer(scene, buffer, skins_xml() if settings.hand == 'mesh' else None) as renderer:
        rng = make_rng(scene.seed, Stream.ANNOTATION, 0)
        for name, demonstration in zip(clips, demonstrations, strict=True):
            clip = render_clip(renderer, scene, demonstration, settings.frames)
            encode_video(folder / name, clip, settings.rate, int(rng.integers(18, 30)))
            write_json(hands_file(folder / name), _hands(renderer, scene, demonstration, settings))
        for name, image in zip(images, render_views(scene, targets, renderer), strict=True):
            write_jpeg(folder / name, image, int(rng.integers(75, 97)))
        seen = [elements_in_view(renderer, view) for view in targets]
    return [
        {
            'image_path': image,
            'video_path': clip,
            'scene': f'{split}/{index:05d}',
            'contact': demonstration.contact_frames(settings.frames),
            'clip_size': list(demonstration.view.size),
            'contact_point': rounded_pixels(
                demonstration.contact_pixel(scene.fixture, time)
                for time in demonstration.times(settings.frames).tolist()
            ),
            **_annotation(scene, demonstration, view, k, seen[k]),
        }
        for demonstration, clip in zip(demonstrations, clips, strict=True)
        for k, (view, image) in enumerate(zip(targets, images, strict=True))
    ]


def _hands(
    renderer: Renderer,
    scene: Scene,
    demonstration: SimulatedDemonstration,
    settings: DatasetSettings,
) -> list[dict[str, Any]]:
    """Describe the hand in each frame of a clip (see `hands_file`)."""
    frames = []
    for number, time in enumerate(demonstration.times(settings.frames).tolist()):
        box = hand_box(renderer, demonstration, time, demonstration.capsules(scene.fixture, time))
        contact = demonstration.motion.in_contact(time)
        pixel = demonstration.contact_pixel(scene.fixture, time) if contact else None
        hand = box and {
            'box': [box.left, box.top, box.right + 1, box.bottom + 1],
            'contact': contact,
            'contact_point': rounded_pixels([pixel])[0],
        }
        frames.append({'time': number / settings.rate, 'hands': [hand] if hand else []})
    return frames


def rounded_pixels(pixels: Iterable[np.ndarray | None]) -> list[list[float] | None]:
    """Round pixels to two decimals."""
    return [None if pixel is None else np.round(pixel, 2).tolist() for pixel in pixels]


def _annotation(
    scene: Scene,
    demonstration: SimulatedDemonstration,
    view: SceneView,
    number: int,
    seen: np.ndarray,
) -> dict[str, Any]:
    index = demonstration.element
    element = scene.fixture.elements[index]
    rng = make_rng(scene.seed, Stream.ANNOTATION, 1, index, number)
    displacement = view.states.get(index, STILL)
    on_front = front_points(element, rng, displacement)
    marked = points_seen(view.pixels(on_front), seen == index)
    return {
        'width': view.size[0],
        'height': view.size[1],
        'actions': [ACTIONS.index(demonstration.action) + 1],
        'heatmaps': [np.round(marked, 2).tolist()],
        'scene_seed': scene.seed,
        'family': scene.family,
        'element': index,
        'elements': [_outline_entry(scene, i, view) for i in range(len(scene.fixture.elements))],
    }


def _outline_entry(scene: Scene, index: int, view: SceneView) -> dict[str, Any]:
    outline = view.outline(scene.fixture, index)
    # allowing an error of a third of a pixel halves the number of corners
    corners = cv2.approxPolyDP(outline.astype(np.float32), 0.33, True)[:, 0].astype(float)
    return outline_entry(scene.fixture.elements[index].kind, outline, corners, view.size)


def outline_entry(
    kind: str, outline: np.ndarray, corners: np.ndarray, size: tuple[int, int]
) -> dict[str, Any]:
    """Describe an element by the corners of its outline, and whether all of it is in view."""
    inside = (outline >= -0.5).all() and (outline <= np.array(size) - 0.5).all()
    return {'kind': kind, 'polygon': np.round(corners, 1).tolist(), 'in_view': bool(inside)}
