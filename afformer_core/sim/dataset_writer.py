# SPDX-License-Identifier: Apache-2.0
"""Simulated datasets on disk, in OPRA's form.

- `SPLIT.json`: a list of entries as OPRA's, each with the keys `scene`, `scene_seed`, `element`
  and `elements` besides
- `actions.json`: the names of the actions 1, 2, ...
- `simulation.json`: what each split was made with
- `clips/SPLIT/00000/0.mp4`: the first demonstration of appliance 0
- `images/SPLIT/00000/0.jpg`: its first target view
- `scenes/SPLIT/00000.json`: its entries; written last, so that it marks the appliance complete
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from afformer_core.data.video import write_video
from afformer_core.errors import DatasetError
from afformer_core.sim.appliance import ACTIONS, Appliance
from afformer_core.sim.demonstration import (
    Demonstration,
    action_index,
    choose_elements,
    plan_demonstration,
    render_clip,
)
from afformer_core.sim.layout import generate_appliance
from afformer_core.sim.outline import front_points, project_outline
from afformer_core.sim.renderer import Renderer
from afformer_core.sim.seeds import Stream, generator, scene_seed
from afformer_core.sim.view import (
    View,
    plan_target,
    render_views,
)

_POINTS = 10
_POINT_SPREAD = 0.35
_MERGE_EVERY = 300


@dataclass(frozen=True)
class DatasetPlan:
    """What a simulated dataset holds.

    Attributes:
        seed: of the dataset; each appliance depends on it and on the appliance's number alone.
        appliances: how many.
        demonstrations, targets: clips and target views of each; every pair is an entry.
        frames, rate: of a clip, frames and frames per second.
        longest_side: of every picture, in pixels.
    """

    seed: int
    appliances: int
    demonstrations: int = 3
    targets: int = 3
    frames: int = 8
    rate: float = 4.0
    longest_side: int = 256

    def __post_init__(self) -> None:
        for name in ('appliances', 'demonstrations', 'targets', 'frames', 'rate'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} must be at least 1, not {getattr(self, name)}')
        if self.demonstrations > 5:
            raise ValueError(
                'an appliance may have only 5 elements, so at most 5 demonstrations '
                f'of different ones, not {self.demonstrations}'
            )
        if self.longest_side < 32:
            raise ValueError(f'longest_side must be at least 32 pixels, not {self.longest_side}')
        if self.seed < 0:
            raise ValueError(f'seed must not be negative, but is {self.seed}')


def write_dataset(
    folder: Path, split: str, plan: DatasetPlan, processes: int = 1
) -> Iterator[int]:
    """Render a dataset, or what is missing of it; yields how many appliances are there.

    An interrupted call leaves every finished appliance; the same call made again adds the rest.

    Args:
        folder: of the dataset, made where it is missing.
        split: name of the annotation file without its ending.
        plan: what to render.
        processes: how many render at once.

    Raises:
        DatasetError: the folder holds the same split made with another plan.
    """
    for part in ('clips', 'images', 'scenes'):
        (folder / part / split).mkdir(parents=True, exist_ok=True)
    _check_plan(folder, split, plan)
    _write_json(folder / 'actions.json', list(ACTIONS))
    missing = [i for i in range(plan.appliances) if not _scene_path(folder, split, i).exists()]
    done = plan.appliances - len(missing)
    yield done
    jobs = [(folder, split, plan, index) for index in missing]
    if processes == 1:
        for job in jobs:
            _write_appliance(job)
            done += 1
            yield done
    elif jobs:
        with multiprocessing.get_context('spawn').Pool(processes) as pool:
            for _ in pool.imap_unordered(_write_appliance, jobs):
                done += 1
                if done % _MERGE_EVERY == 0:
                    _merge(folder, split, plan)
                yield done
    _merge(folder, split, plan)


def _check_plan(folder: Path, split: str, plan: DatasetPlan) -> None:
    """Record what the split is made with, or compare with what it was made with before."""
    path = folder / 'simulation.json'
    record: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    wanted = {key: value for key, value in asdict(plan).items() if key != 'appliances'}
    if record.get(split, wanted) != wanted:
        raise DatasetError(
            f'{folder} holds a split {split!r} made with {record[split]}, not with '
            f'{wanted}; choose another folder or split'
        )
    record[split] = wanted
    _write_json(path, record)


def _merge(folder: Path, split: str, plan: DatasetPlan) -> None:
    """Write the annotations of all appliances that are complete."""
    entries: list[dict[str, Any]] = []
    for index in range(plan.appliances):
        path = _scene_path(folder, split, index)
        if path.exists():
            entries += json.loads(path.read_text())
    _write_json(folder / f'{split}.json', entries)


def _write_appliance(job: tuple[Path, str, DatasetPlan, int]) -> int:
    folder, split, plan, index = job
    cv2.setNumThreads(1)
    seed = scene_seed(plan.seed, index)
    appliance = generate_appliance(seed)
    demonstrations = [
        plan_demonstration(seed, element, plan.longest_side)
        for element in choose_elements(seed, plan.demonstrations)
    ]
    targets = [plan_target(seed, number, plan.longest_side) for number in range(plan.targets)]
    clips = [f'clips/{split}/{index:05d}/{k}.mp4' for k in range(len(demonstrations))]
    images = [f'images/{split}/{index:05d}/{k}.jpg' for k in range(len(targets))]
    for name in (clips[0], images[0]):
        (folder / name).parent.mkdir(exist_ok=True)
    with Renderer(appliance, seed, (plan.longest_side, plan.longest_side)) as renderer:
        random = generator(seed, Stream.ANNOTATION, 0)
        for name, demonstration in zip(clips, demonstrations, strict=True):
            write_video(
                folder / name,
                render_clip(renderer, seed, demonstration, plan.frames),
                plan.rate,
                int(random.integers(18, 30)),
            )
        for name, image in zip(images, render_views(renderer, seed, targets), strict=True):
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(75, 97))]
            encoded = cv2.imencode('.jpg', image[..., ::-1], quality)[1]
            _write_bytes(folder / name, encoded.tobytes())
    scene = f'{split}/{index:05d}'
    entries = [
        _entry(scene, seed, appliance, demonstration, clip, view, image, k)
        for demonstration, clip in zip(demonstrations, clips, strict=True)
        for k, (view, image) in enumerate(zip(targets, images, strict=True))
    ]
    _write_json(_scene_path(folder, split, index), entries)
    return index


def _entry(
    scene: str,
    seed: int,
    appliance: Appliance,
    demonstration: Demonstration,
    clip: str,
    view: View,
    image: str,
    number: int,
) -> dict[str, Any]:
    element = appliance.elements[demonstration.element]
    random = generator(seed, Stream.ANNOTATION, 1, demonstration.element, number)
    points = view.camera.project(front_points(element, _POINTS, _POINT_SPREAD, random), view.size)
    return {
        'image_path': image,
        'width': view.size[0],
        'height': view.size[1],
        'actions': [action_index(demonstration.action) + 1],
        'heatmaps': [np.round(points, 2).tolist()],
        'video_path': clip,
        'scene': scene,
        'scene_seed': seed,
        'element': demonstration.element,
        'elements': [_outline_record(appliance, i, view) for i in range(len(appliance.elements))],
    }


def _outline_record(appliance: Appliance, index: int, view: View) -> dict[str, Any]:
    element = appliance.elements[index]
    outline = project_outline(element, view.camera, view.size)
    inside = (outline >= -0.5).all() and (outline <= np.array(view.size) - 0.5).all()
    # a third of a pixel off at most, in half the numbers
    corners = cv2.approxPolyDP(outline.astype(np.float32), 0.33, True)[:, 0].astype(float)
    return {
        'kind': element.kind.value,
        'polygon': np.round(corners, 1).tolist(),
        'in_view': bool(inside),
    }


def _scene_path(folder: Path, split: str, index: int) -> Path:
    return folder / 'scenes' / split / f'{index:05d}.json'


def _write_json(path: Path, content: Any) -> None:
    _write_bytes(path, json.dumps(content).encode())


def _write_bytes(path: Path, content: bytes) -> None:
    aside = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        aside.write_bytes(content)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
