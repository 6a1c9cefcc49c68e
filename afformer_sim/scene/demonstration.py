# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of a scene: choice of element and action, the hand's motion, and the clip."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.element import MOMENTARY, Element
from afformer_sim.bodies.fixture import Fixture, States, sample_states
from afformer_sim.bodies.hand import (
    Capsule,
    HandAppearance,
    HandPose,
    hand_capsules,
    sample_appearance,
)
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.bodies.solid import Pose
from afformer_sim.cameras.camera import Camera
from afformer_sim.hand_mesh.posed_hand import pose_hand
from afformer_sim.hand_mesh.skin_texture import HandStyle, sample_hand_style
from afformer_sim.scene.grasp import Grasp, count_misplaced, sample_grasp
from afformer_sim.scene.motion import DemonstratedMotion, sample_motion
from afformer_sim.scene.renderer import Hand, Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import (
    SceneView,
    frame_times,
    front_centre,
    sample_view,
    vector_to_nearest,
)

_EGOCENTRIC = 0.3
_TRIES = 30
_MOMENTARY_WEIGHT = 0.6
# Share of a knob's rotation that the palm follows; the wrist contributes the rest.
_PALM_SHARE = 0.7
# Share of clips that begin before the hand is in view, and their lead in units of the motion's
# duration.
_LED, _LEADS = 0.67, (0.15, 0.45)
# Time that a hand takes to come into view, and its initial distance in metres.
_COMING, _FAR = 0.15, 0.7


@dataclass(frozen=True)
class SimulatedDemonstration:
    """One operation of an element by a hand, as a camera sees it.

    Attributes:
        element: index of the element.
        motion, hand, grasp: its operation.
        view: camera and room in the middle of the clip, with the states of the other elements.
        drift: [2, 3], translation (metres) and rotation (radians) of the camera during the clip.
        style: look of a hand of meshes; None for a hand of capsules.
        lead: time of the clip before the motion begins, in units of the motion's duration; the
            hand comes into view at its end.
    """

    element: int
    motion: DemonstratedMotion
    hand: HandAppearance
    grasp: Grasp
    view: SceneView
    drift: np.ndarray
    style: HandStyle | None = None
    lead: float = 0.0

    @property
    def action(self) -> str:
        """Name of the action, one of `element.ACTIONS`."""
        return self.motion.action

    def camera(self, time: float) -> Camera:
        """Return the camera at a time from -`lead` (the clip's start) to 1 (its end)."""
        return self.view.camera.moved(*(self.drift * (time - 0.5)))

    def capsules(self, fixture: Fixture, time: float) -> list[Capsule]:
        """Return the hand's capsules at a time from 0 to 1."""
        return hand_capsules(self.hand, self.pose(fixture, time))

    def shown_hand(self, fixture: Fixture, time: float) -> Hand:
        """Return the hand for a renderer at a time from -`lead` to 1."""
        if self.style is None:
            return self.capsules(fixture, time)
        away = max(-time, 0.0) / _COMING
        if away > 1:
            return ()
        hand = pose_hand(self.hand, self.style, self.pose(fixture, time))
        return hand.moved(_FAR * away * hand.backward)

    def pose(self, fixture: Fixture, time: float) -> HandPose:
        """Return the hand's pose at a time from 0 to 1."""
        element = fixture.elements[self.element]
        motion = self.motion
        held = min(max(time, motion.start), motion.end)
        tips = element.placed(motion.displacement(held))
        palm = self._palm(element, held)
        arm = Pose(palm.position, element.pose.rotation)
        return self.grasp.pose(tips, palm, arm, motion.hand_offset(time), motion.openness(time))

    def _palm(self, element: Element, time: float) -> Pose:
        joint = self.motion.use.joint
        if joint is None:
            return element.pose
        value = self.motion.value(time)
        displacement = joint.displacement(value)
        if joint.hinge and np.linalg.norm(displacement.position) < 1e-6:
            displacement = joint.displacement(_PALM_SHARE * value)
        return element.placed(displacement)

    def states(self, time: float) -> States:
        """Return the displacements of all elements that are not at rest at a time from 0 to 1."""
        return {**self.view.states, self.element: self.motion.displacement(time)}

    def times(self, frames: int) -> np.ndarray:
        """Return the times of a clip's frames, from -`lead` to 1, float64 [frames]."""
        return (1 + self.lead) * frame_times(frames) - self.lead

    def contact_frames(self, frames: int) -> tuple[int, int] | None:
        """Return the first and the last frame in which the hand is on the element, or None.

        Args:
            frames: number of frames in the clip.
        """
        times = self.times(frames)
        contact = [k for k in range(frames) if self.motion.in_contact(float(times[k]))]
        return (contact[0], contact[-1]) if contact else None

    def contact_pixel(self, fixture: Fixture, time: float) -> np.ndarray | None:
        """Return the contact point on the element, also before and after the contact: [2] pixels.

        The point moves with the element. It is None if it is outside the image at a time from 0 to
        1.
        """
        placed = fixture.elements[self.element].placed(self.motion.displacement(time))
        point = placed.apply(self.grasp.contact_point[None])
        camera, size = self.camera(time), self.view.size
        if not camera.has_ahead(point):
            return None
        pixel = self.view.sensor.distort_points(camera.project(point, size), size)[0]
        inside = (pixel >= -0.5).all() and (pixel <= np.array(size) - 0.5).all()
        return pixel if inside else None


def choose_elements(scene: Scene, count: int) -> list[int]:
    """Draw the indices of `count` elements, without repetition before all are drawn."""
    elements = len(scene.fixture.elements)
    rng, chosen = make_rng(scene.seed, Stream.CHOICE), list[int]()
    while len(chosen) < count:
        chosen += [int(i) for i in rng.permutation(elements)]
    return chosen[:count]


def plan_demonstration(
    scene: Scene,
    element: int,
    longest_side: int = 256,
    size: tuple[int, int] | None = None,
    action: str | None = None,
    performance: int = 0,
) -> SimulatedDemonstration:
    """Plan the demonstration of an element, deterministically.

    Args:
        scene: scene that has the element.
        element: index of the element.
        longest_side: longest side of the images in pixels; their aspect is random.
        size: (width, height) of the images instead.
        action: action that the element affords; None for a random one.
        performance: number of the element's demonstration, from 0; each has its own person, motion
            and camera.

    Raises:
        ValueError: the element does not afford the action.
    """
    fixture = scene.fixture
    target = fixture.elements[element]
    if performance:
        rng = make_rng(scene.seed, Stream.PERFORMANCE, element, performance)
    else:
        rng = make_rng(scene.seed, Stream.DEMONSTRATION, element)
    drawn = _draw_action(target, rng)
    use = target.use(action or drawn)
    motion = sample_motion(use, rng, vector_to_nearest(fixture, element))
    hand = sample_appearance(rng)
    egocentric = bool(rng.random() < _EGOCENTRIC)
    view = sample_view(fixture, rng, longest_side, size, egocentric=egocentric)
    states = dict(sample_states(fixture, rng))
    states.pop(element, None)
    view = replace(view, states=states)
    grip = use.grips[int(rng.integers(len(use.grips)))]
    drift = _drift(rng, egocentric=egocentric)
    tried: list[tuple[int, SimulatedDemonstration]] = []
    for _ in range(_TRIES):
        grasp = sample_grasp(grip, hand, rng)
        demonstration = SimulatedDemonstration(element, motion, hand, grasp, view, drift)
        middle = (max(motion.start, 0.0) + min(motion.end, 1.0)) / 2
        front = front_centre(target, motion.displacement(middle))
        capsules = demonstration.capsules(fixture, middle)
        camera = demonstration.camera(middle)
        tried.append((count_misplaced(fixture, capsules, camera, front), demonstration))
        if tried[-1][0] == 0:
            break
    return min(tried, key=lambda pair: pair[0])[1]


def with_meshes(
    demonstration: SimulatedDemonstration, rng: np.random.Generator
) -> SimulatedDemonstration:
    """Return the demonstration by a hand of meshes with a random look.

    Two of three clips begin before the hand comes into view, unless the hand holds the element
    from the beginning.
    """
    style = sample_hand_style(demonstration.hand, rng)
    lead = float(rng.uniform(*_LEADS)) if rng.random() < _LED else 0.0
    held = demonstration.motion.start <= 0
    return replace(demonstration, style=style, lead=0.0 if held else lead)


def render_clip(
    renderer: Renderer, scene: Scene, demonstration: SimulatedDemonstration, frames: int
) -> np.ndarray:
    """Render a demonstration's clip by a renderer of its scene: uint8 [frames, H, W, 3] RGB."""
    rng = make_rng(scene.seed, Stream.DEMONSTRATION, demonstration.element, frames)
    times = demonstration.times(frames).tolist()
    return np.stack([render_frame(renderer, scene, demonstration, time, rng) for time in times])


def render_frame(
    renderer: Renderer,
    scene: Scene,
    demonstration: SimulatedDemonstration,
    time: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Render a demonstration at a time from -`lead` to 1: uint8 [H, W, 3] RGB."""
    view, hand = demonstration.view, demonstration.shown_hand(scene.fixture, time)
    renderer.set_room(view.lighting, view.surroundings)
    camera, states = demonstration.camera(time), demonstration.states(time)
    return view.sensor.expose(renderer.render(camera, view.size, hand, states), rng)


def _draw_action(element: Element, rng: np.random.Generator) -> str:
    """Draw one of the element's actions; actions that all elements afford are less frequent."""
    weights = np.array([_MOMENTARY_WEIGHT if a in MOMENTARY else 1.0 for a in element.actions])
    return str(rng.choice(element.actions, p=weights / weights.sum()))


def _drift(rng: np.random.Generator, *, egocentric: bool) -> np.ndarray:
    if egocentric:
        return rng.normal(0, 1, (2, 3)) * [[0.02], [0.03]]
    if rng.random() < 0.5:
        return rng.normal(0, 1, (2, 3)) * [[0.012], [0.015]]
    return np.zeros((2, 3))


def plan_demonstrations(
    scene: Scene, count: int, longest_side: int, performances: int = 1
) -> list[SimulatedDemonstration]:
    """Plan demonstrations of different elements; if there are too few, elements are repeated.

    Their images have random aspects. The performances of one demonstration follow one another,
    and show the same action.
    """
    demonstrations: list[SimulatedDemonstration] = []
    performed: Counter[int] = Counter()
    for element in choose_elements(scene, count):
        action = None
        for _ in range(performances):
            number = performed[element]
            planned = plan_demonstration(scene, element, longest_side, None, action, number)
            demonstrations.append(planned)
            action = planned.action
            performed[element] += 1
    return demonstrations
