# SPDX-License-Identifier: Apache-2.0
"""Rendered scenes of the demo: a hand over a photograph, and a simulated fixture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afformer_core.media.images import write_image
from afformer_core.media.video import write_video
from afformer_sim.demo_scenes.scene import (
    CAMERA_FRAMES,
    CAMERA_RATE,
    DemoScene,
    moving_camera,
    resting_first,
)

_SIZE = (480, 360)
_CLIP_FRAMES, _CLIP_RATE = 20, 12.0
_PHOTOGRAPH = 'skimage/data/coffee.png'
# A hand is about as long as the saucer of the cup is wide.
_HAND_SIZES = (0.5, 0.7)
# Camera image over the photograph: the pixel in its middle, and its seed.
_MIDDLE, _VIEW_SEED = (290.0, 240.0), 1039

# A seed that no training dataset uses; then the scene, and the number of the operated element.
_DATASET_SEED = 990_017
_FAMILY, _INDEX, _DRAWN = 'drawers', 7, 1


@dataclass(frozen=True)
class _Part:
    """Part of the photograph that a hand operates, in pixels of the photograph.

    Attributes:
        name, title: names for the node and for people.
        action: demonstrated action.
        seed: seed of everything random about the demonstration.
        contact: pixel that the hand touches.
        outline: pixels of its outline.
    """

    name: str
    title: str
    action: str
    seed: int
    contact: tuple[int, int]
    outline: tuple[tuple[int, int], ...]


_PARTS = (
    _Part(
        name='cup_handle',
        title='the handle of the cup',
        action='hold',
        seed=2,
        contact=(214, 262),
        outline=(
            *((218, 232), (236, 231), (256, 243), (240, 258), (232, 278), (226, 300)),
            *((216, 308), (202, 300), (196, 286), (198, 268), (206, 250)),
        ),
    ),
    _Part(
        name='spoon',
        title='the spoon',
        action='touch',
        seed=10,
        contact=(362, 282),
        outline=(
            *((350, 245), (365, 240), (380, 240), (398, 262), (403, 282), (396, 305)),
            *((380, 320), (360, 325), (342, 318), (330, 300), (326, 280), (331, 262)),
        ),
    ),
)


def rendered_scenes(folder: Path) -> Iterator[DemoScene]:
    """Render the scenes; two demonstrations share the first camera image.

    Args:
        folder: folder for the files.

    Raises:
        ModuleNotFoundError: a package of the extra `sim` is not installed.
    """
    # Rendering needs no display, and this must be set before mujoco is imported.
    os.environ.setdefault('MUJOCO_GL', 'egl')
    yield from _photograph_scenes(folder)
    yield _simulated_scene(folder)


def _photograph_scenes(folder: Path) -> Iterator[DemoScene]:
    from afformer_sim.photographs import photograph_view as views
    from afformer_sim.photographs.photograph_demonstration import (
        HandScene,
        plan_photograph_demonstration,
    )
    from afformer_sim.photographs.photograph_files import read_photograph
    from afformer_sim.scene.smooth_renderer import SmoothRenderer
    from afformer_sim.textures.texture_images import locate_texture_image

    photograph = read_photograph(locate_texture_image(_PHOTOGRAPH))
    scale = min(_SIZE[0] / photograph.shape[1], _SIZE[1] / photograph.shape[0])
    rng = np.random.default_rng(_VIEW_SEED)
    target = views.sample_other_view(photograph, _SIZE, np.array(_MIDDLE), scale, rng)

    def seen(matrix: np.ndarray) -> np.ndarray:
        view = views.PhotographView(_SIZE, matrix @ target.matrix)
        return views.change_light(view.take(photograph), np.random.default_rng(_VIEW_SEED))

    image, camera = folder / 'cup.png', folder / 'cup_camera.mp4'
    write_image(image, seen(np.eye(3)))
    write_video(camera, resting_first(map(seen, moving_camera(_SIZE))), CAMERA_RATE)
    # A hand is rendered on a canvas of twice the image's sides.
    canvas = (2 * _SIZE[0], 2 * _SIZE[1])
    for number, part in enumerate(_PARTS, start=1):
        rng = np.random.default_rng(part.seed)
        near = views.sample_near_view(photograph, _SIZE, rng)
        demonstration = plan_photograph_demonstration(
            near, np.array(part.contact), rng, part.action, _HAND_SIZES
        )
        with SmoothRenderer(HandScene(part.seed), canvas) as renderer:
            clip = demonstration.render(renderer, photograph, _CLIP_FRAMES, rng)
        video = folder / f'{part.name}.mp4'
        write_video(video, clip, _CLIP_RATE)
        title = f'{number}. a photograph under a rendered hand: {part.action} {part.title}'
        outline = target.pixels(np.array(part.outline))
        yield DemoScene(
            name=part.name,
            title=title,
            demonstration=video,
            image=image,
            camera=camera,
            outline=outline,
            action=part.action,
        )


def _simulated_scene(folder: Path) -> DemoScene:
    from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
    from afformer_sim.scene import demonstration as simulation
    from afformer_sim.scene import view as cameras
    from afformer_sim.scene.scene import Scene
    from afformer_sim.scene.smooth_renderer import SmoothRenderer

    scene = Scene(scene_seed(_DATASET_SEED, _INDEX), _FAMILY, held_out=True)
    element = simulation.choose_elements(scene, _DRAWN + 1)[_DRAWN]
    demonstration = simulation.with_meshes(
        simulation.plan_demonstration(scene, element, size=_SIZE),
        make_rng(scene.seed, Stream.HAND_STYLE, element),
    )
    path = cameras.plan_camera_path(scene, CAMERA_FRAMES, _SIZE)
    name = f'{_FAMILY}_{demonstration.action}'
    video, image = folder / f'{name}.mp4', folder / f'{name}.png'
    camera = folder / f'{name}_camera.mp4'
    with SmoothRenderer(scene, _SIZE) as renderer:
        clip = simulation.render_clip(renderer, scene, demonstration, _CLIP_FRAMES)
        write_video(video, clip, _CLIP_RATE)
        seen = cameras.render_views(scene, path, renderer)
    write_image(image, seen[0])
    write_video(camera, resting_first(seen), CAMERA_RATE)
    outline = cameras.outlines_in_views(scene, element, path[:1])[0]
    title = f'{len(_PARTS) + 1}. a simulated scene, {_FAMILY}: {demonstration.action}'
    return DemoScene(
        name=name,
        title=title,
        demonstration=video,
        image=image,
        camera=camera,
        outline=outline,
        action=demonstration.action,
    )
