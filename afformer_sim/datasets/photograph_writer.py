# SPDX-License-Identifier: Apache-2.0
"""Writer of demonstrations over photographs in the format of OPRA.

The files are those of `dataset_writer`. Each entry has `scene`, `scene_seed`, `family`, `element`,
`elements`, `contact`, `clip_size` and `contact_point` like there, and `photograph`, the name of
the photograph's file. The elements are points of the photograph: the one that is touched comes
first.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from afformer_core.media.images import write_jpeg
from afformer_core.media.video import encode_video
from afformer_sim.bodies.element import ACTIONS
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.cameras.sensor import sample_sensor
from afformer_sim.datasets.dataset_writer import merge, outline_entry, rounded_pixels
from afformer_sim.datasets.layouts import PhotographSettings
from afformer_sim.photographs.photograph_demonstration import (
    HandScene,
    plan_photograph_demonstration,
)
from afformer_sim.photographs.photograph_view import (
    PhotographView,
    change_light,
    find_interest_points,
    list_photographs,
    read_photograph,
    sample_near_view,
    sample_other_view,
)
from afformer_sim.scene.hand_skins import skins_xml
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.view import image_size

__all__ = ['make', 'merge']

_POINTS = 10
_INTEREST_POINTS = 30
_OTHERS = 8
# Radius of an element as a share of the photograph's shorter side, and of the points around it.
_RADIUS, _SPREAD = 0.02, 0.35
# Least distance of a contact point from the image's border, as a share of its sides.
_MARGIN = 0.1


def make(
    split: str, settings: PhotographSettings, index: int, folder: Path
) -> list[dict[str, Any]]:
    """Write the clips and other views of a photograph; return its entries."""
    seed = scene_seed(settings.seed, index)
    rng = make_rng(seed, Stream.PHOTOGRAPH)
    photographs = list_photographs(settings.photographs, held_out=settings.held_out)
    path = photographs[int(rng.integers(len(photographs)))]
    photograph = read_photograph(path)
    size = image_size(rng, settings.longest_side, None)
    for kind in ('clips', 'images'):
        (folder / f'{kind}/{split}/{index:05d}').mkdir(parents=True)
    entries = []
    with Renderer(HandScene(seed), (2 * size[0], 2 * size[1]), skins_xml()) as renderer:
        for number in range(settings.demonstrations):
            view = sample_near_view(photograph, size, rng)
            points = _visible_points(photograph, view, rng)
            demonstration = plan_photograph_demonstration(view, points[0], rng)
            clip = f'clips/{split}/{index:05d}/{number}.mp4'
            frames = demonstration.render(renderer, photograph, settings.frames, rng)
            encode_video(folder / clip, frames, settings.rate, int(rng.integers(18, 30)))
            common = {
                'video_path': clip,
                'scene': f'{split}/{index:05d}',
                'scene_seed': seed,
                'family': 'photograph',
                'photograph': path.name,
                'actions': [ACTIONS.index(demonstration.hand.action) + 1],
                'contact': demonstration.hand.contact_frames(settings.frames),
                'clip_size': list(size),
                'contact_point': rounded_pixels(
                    map(demonstration.contact_pixel, demonstration.hand.times(settings.frames))
                ),
            }
            for target in range(settings.targets):
                image = f'images/{split}/{index:05d}/{number}_{target}.jpg'
                scale = view.scale_at(points[0])
                other_size = image_size(rng, settings.longest_side, None)
                other = sample_other_view(photograph, other_size, points[0], scale, rng)
                shown = change_light(other.take(photograph), rng)
                exposed = replace(sample_sensor(rng), distortion=0.0).expose(shown, rng)
                write_jpeg(folder / image, exposed, int(rng.integers(75, 97)))
                annotation = _annotation(photograph, other, points, rng)
                entries.append({'image_path': image, **common, **annotation})
    return entries


def _visible_points(
    photograph: np.ndarray, view: PhotographView, rng: np.random.Generator
) -> np.ndarray:
    """Return points of a photograph, [P, 2], the first of which a view shows."""
    points = find_interest_points(photograph, _INTEREST_POINTS, rng)
    pixels = view.pixels(points)
    margin = _MARGIN * np.array(view.size)
    shown = ((pixels > margin) & (pixels < np.array(view.size) - margin)).all(axis=1)
    if not shown.any():
        back = PhotographView(view.size, np.linalg.inv(view.matrix))
        middle = back.pixels(np.array([[(view.size[0] - 1) / 2, (view.size[1] - 1) / 2]]))
        return np.concatenate([middle, points])[: _OTHERS + 1]
    first = int(np.flatnonzero(shown)[0])
    others = np.delete(points, first, axis=0)[:_OTHERS]
    return np.concatenate([points[first : first + 1], others])


def _annotation(
    photograph: np.ndarray, view: PhotographView, points: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    radius = _RADIUS * min(photograph.shape[:2])
    spread = rng.normal(0, _SPREAD, (_POINTS, 2))
    spread *= np.minimum(1, 0.9 / np.linalg.norm(spread, axis=1, keepdims=True))
    marked = view.pixels(points[0] + spread * radius)
    return {
        'width': view.size[0],
        'height': view.size[1],
        'heatmaps': [np.round(marked, 2).tolist()],
        'element': 0,
        'elements': [_outline(view, point, radius) for point in points],
    }


def _outline(view: PhotographView, point: np.ndarray, radius: float) -> dict[str, Any]:
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = point + radius * np.column_stack([np.cos(angles), np.sin(angles)])
    outline = view.pixels(circle)
    return outline_entry('point', outline, outline, view.size)
