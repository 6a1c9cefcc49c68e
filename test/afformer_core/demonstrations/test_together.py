# SPDX-License-Identifier: Apache-2.0
"""Two demonstrations of one skill, by other people from other sides: which way is better?

`make test-slow PYTEST='-s -k together'` prints what docs/robot/record.md says of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from afformer_core.media.polygons import contains
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.prediction import Prediction

pytest.importorskip('mujoco', reason='mujoco is not installed')

from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.scene.demonstration import choose_elements, plan_demonstration, render_clip
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import plan_target, render_views

# Of no data set that a model is trained on.
SEED = 881_003
SCENES = 300
SIDE = 192
FRAMES = 8

Clips = list[NDArray[np.uint8]]


def _clips(scene: Scene, element: int) -> Clips:
    """Two clips of the same action."""
    size = (SIDE, SIDE)
    first = plan_demonstration(scene, element, size=size)
    second = plan_demonstration(scene, element, size=size, action=first.action, performance=1)
    clips = []
    for demonstration in (first, second):
        with Renderer(scene, size) as renderer:
            clips.append(render_clip(renderer, scene, demonstration, FRAMES))
    return clips


def _one(grounder: ArrayGrounder, clips: Clips, image: NDArray[np.uint8]) -> Prediction:
    grounder.set_demonstration(clips[0], 'first')
    return grounder.predict(image, 'first')


def _together(grounder: ArrayGrounder, clips: Clips, image: NDArray[np.uint8]) -> Prediction:
    """As on a robot: the mean of the logits of both in each stage, in a common crop window."""
    for name, clip in zip(('first', 'second'), clips, strict=True):
        grounder.set_demonstration(clip, name)
    return grounder.predict(image, 'first', 'second')


def _averaged(grounder: ArrayGrounder, clips: Clips, image: NDArray[np.uint8]) -> Prediction:
    """The mean of the logits that each gives in the end, with crop windows of its own."""
    predictions = [_one(grounder, [clip], image) for clip in clips]
    product = np.sqrt(predictions[0].probabilities * predictions[1].probabilities)
    return replace(predictions[0], probabilities=product / product.sum())


def _longer_video(grounder: ArrayGrounder, clips: Clips, image: NDArray[np.uint8]) -> Prediction:
    """All frames as those of one video, of which the model keeps as many as it can."""
    grounder.set_demonstration(np.concatenate(clips), 'longer')
    return grounder.predict(image, 'longer')


WAYS: dict[str, Callable[[ArrayGrounder, Clips, NDArray[np.uint8]], Prediction]] = {
    'one demonstration': _one,
    'both together': _together,
    'both averaged': _averaged,
    'one longer video': _longer_video,
}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_both_are_better_than_one_and_no_worse_than_other_ways(
    shipped_model: Path,
) -> None:
    grounder = ArrayGrounder.load(shipped_model, 'onnxruntime')
    inside: dict[str, list[bool]] = {name: [] for name in WAYS}
    for index in range(SCENES):
        scene = Scene(scene_seed(SEED, index))
        element = choose_elements(scene, 1)[0]
        target = plan_target(scene, 0, size=(SIDE, SIDE))
        outline = target.outline(scene.fixture, element)
        image = render_views(scene, [target])[0]
        clips = _clips(scene, element)
        for name, ground in WAYS.items():
            peak = ground(grounder, clips, image).peaks((SIDE, SIDE), 1)[0]
            inside[name].append(contains(outline, (peak.u, peak.v)))
    shares = {name: float(np.mean(each)) for name, each in inside.items()}
    for name, share in shares.items():
        print(f'{name}: peak inside in {100 * share:.0f} % of {SCENES}')
    both = shares['both together']
    assert both > shares['one demonstration']
    assert both > shares['one longer video']
    # What chance makes of so many scenes.
    assert both > max(shares.values()) - 0.04
