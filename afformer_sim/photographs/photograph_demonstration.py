# SPDX-License-Identifier: Apache-2.0
"""Demonstrations over a photograph: a hand comes, touches a point of it, and leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from afformer_sim.bodies.element import Element, Fingertip, Front, Grip, Hook, Joint, Pinch, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.hand import sample_appearance
from afformer_sim.bodies.solid import STILL
from afformer_sim.cameras.camera import Camera, direction, look_at
from afformer_sim.cameras.sensor import Sensor, sample_sensor
from afformer_sim.hand_mesh.posed_hand import PosedHand
from afformer_sim.photographs.photograph_view import PhotographView
from afformer_sim.scene.demonstration import SimulatedDemonstration, with_meshes
from afformer_sim.scene.grasp import count_misplaced, sample_grasp
from afformer_sim.scene.motion import sample_motion
from afformer_sim.scene.renderer import HAND, Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import SceneView
from afformer_sim.scene.world import Surroundings, sample_lighting


def render_hand(
    renderer: Renderer, camera: Camera, size: tuple[int, int], hand: PosedHand
) -> tuple[np.ndarray, np.ndarray]:
    """Render a hand: its colours, float32 [H, W, 3], and its opacity, [H, W], from 0 to 1."""
    colours = renderer.render(camera, size, hand)
    mask = (renderer.segment(camera, size, hand) <= HAND).astype(np.float32)
    # soft towards the inside, because only the hand has the hand's colours
    opacity = mask * np.clip(1.6 * cv2.GaussianBlur(mask, (0, 0), 0.9) - 0.6, 0, 1)
    return colours.astype(np.float32) / 255, opacity


def light_of(photograph: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Estimate the light around a point of an image: float32 [3] RGB factors.

    Args:
        photograph: uint8 [H, W, 3] RGB.
        position: [2] pixels.
    """
    side = min(photograph.shape[:2]) // 3
    column, row = np.round(position).astype(int)
    top, left = max(row - side, 0), max(column - side, 0)
    around = photograph[top : row + side, left : column + side].reshape(-1, 3) / 255
    # bright surfaces show the light best
    level = np.percentile(around.mean(axis=1), 75)
    tint = around.mean(axis=0) / max(float(around.mean()), 1e-3)
    light: np.ndarray = np.clip(0.5 + 0.75 * level, 0.45, 1.2) * tint**0.4
    return light.astype(np.float32)


def compose(
    photograph: np.ndarray,
    hand: tuple[np.ndarray, np.ndarray],
    corner: np.ndarray,
    light: np.ndarray,
    shadow: tuple[float, float, float],
) -> np.ndarray:
    """Put a hand and its shadow over an image: uint8 [H, W, 3] RGB.

    Args:
        photograph: uint8 [H, W, 3] RGB.
        hand: colours and opacity of the hand on a canvas of any size, see `render_hand`.
        corner: [2] pixels of the image, position of the canvas's top left pixel.
        light: float32 [3] RGB factors of the hand's colours.
        shadow: shift to the right and down in pixels, and the share of the light that it blocks.
    """
    size = (photograph.shape[1], photograph.shape[0])
    shift = np.array([[1, 0, corner[0]], [0, 1, corner[1]]], np.float32)
    colours, opacity = (cv2.warpAffine(layer, shift, size) for layer in hand)
    right, down, share = shadow
    moved = shift + np.array([[0, 0, right], [0, 0, down]], np.float32)
    softness = 2.0 + 0.35 * float(np.hypot(right, down))
    dark = cv2.GaussianBlur(cv2.warpAffine(hand[1], moved, size), (0, 0), softness)
    ground = photograph.astype(np.float32) / 255 * (1 - share * dark)[..., None]
    mixed = ground + (colours * light - ground) * opacity[..., None]
    return np.asarray(np.round(mixed.clip(0, 1) * 255).astype(np.uint8))


# Length of a hand in metres, and in an image as a share of its diagonal.
_HAND = 0.19
_HAND_SIZES = (0.16, 0.5)
_SWAYING = 0.5
# Number of draws of camera and grasp, and the cost of an arm that ends in the image.
_TRIES, _ENDING = 40, 50
_ROTATION = Joint((0.0, 0.0, 1.0), hinge=True)
_ROOM = Surroundings(0, 0.0, np.ones(3), None, np.ones(3), ())


class HandScene(Scene):
    """Scene with nothing but the frame of the point that a hand touches."""

    @cached_property
    def fixture(self) -> Fixture:
        """Fixture of one element without solids; wall and floor are far away."""
        corners = np.array([[x, y, 0.0] for x in (-0.01, 0.01) for y in (-0.01, 0.01)])
        uses = (Use('touch', (Fingertip(0.01, 0.01, 0.0),)),)
        element = Element('position', STILL, (), corners, Front((0.0, 0.0, 0.0), 0.01, 0.01), uses)
        return Fixture('photograph', (element,), (), bottom=-3.0, back=-3.0)


@dataclass(frozen=True, kw_only=True)
class PhotographDemonstration:
    """A hand that touches a point of a photograph.

    Attributes:
        hand: motion of the hand, on a separate canvas.
        view: view of the photograph.
        position: [2], pixel of the photograph that is touched.
        sway: float64 [3], movement of the camera to the right and down as shares of the image's
            width, and its turn in radians, during the clip.
        shadow: [2] pixels to the right and down at which the shadow of a hand in contact falls.
        shade: share of the light that the shadow blocks.
        sensor: defects of the camera.
    """

    hand: SimulatedDemonstration
    view: PhotographView
    position: np.ndarray
    sway: np.ndarray
    shadow: np.ndarray
    shade: float
    sensor: Sensor

    def contact_pixel(self, time: float) -> np.ndarray | None:
        """Return the contact point in the clip at a time: [2] pixels, None outside the image."""
        matrix = self._swayed(time)
        pixel = matrix[:, :2] @ self.view.pixels(self.position[None])[0] + matrix[:, 2]
        inside = (pixel >= -0.5).all() and (pixel <= np.array(self.view.size) - 0.5).all()
        return pixel if inside else None

    def render(
        self, renderer: Renderer, photograph: np.ndarray, frames: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Render the clip by a renderer of a `HandScene`: uint8 [frames, H, W, 3] RGB."""
        ground = self.view.take(photograph)
        position = self.view.pixels(self.position[None])[0]
        light = light_of(ground, position)
        renderer.set_room(self.hand.view.lighting, self.hand.view.surroundings)
        clip = []
        for time in self.hand.times(frames).tolist():
            image = self._frame(renderer, ground, position, light, time)
            swayed = cv2.warpAffine(
                image, self._swayed(time), self.view.size, borderMode=cv2.BORDER_REPLICATE
            )
            clip.append(self.sensor.expose(swayed, rng))
        return np.stack(clip)

    def _frame(
        self,
        renderer: Renderer,
        ground: np.ndarray,
        position: np.ndarray,
        light: np.ndarray,
        time: float,
    ) -> np.ndarray:
        fixture = HandScene(0).fixture
        hand = self.hand.shown_hand(fixture, time)
        if not isinstance(hand, PosedHand):
            return ground
        view = self.hand.view
        image = render_hand(renderer, view.camera, view.size, hand)
        contact_pixel = view.pixels(self.hand.grasp.contact_point[None])[0]
        # the shadow moves away as the hand leaves the surface
        height = float(np.linalg.norm(self.hand.motion.hand_offset(time)))
        right, down = (self.shadow * (1 + 25 * height)).tolist()
        return compose(ground, image, position - contact_pixel, light, (right, down, self.shade))

    def _swayed(self, time: float) -> np.ndarray:
        """Return the camera's movement at a time as a matrix [2, 3] of image pixels."""
        width, height = self.view.size
        right, down, turn = (self.sway * (time - 0.5)).tolist()
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), math.degrees(turn), 1.0)
        matrix[:, 2] += [right * width, down * width]
        return matrix


def plan_photograph_demonstration(
    view: PhotographView, position: np.ndarray, rng: np.random.Generator
) -> PhotographDemonstration:
    """Draw a demonstration at a point of a photograph that a view shows.

    Args:
        view: view of the photograph.
        position: [2] pixels of the photograph.
    """
    use = _sample_use(rng)
    motion = sample_motion(use, rng)
    appearance = sample_appearance(rng)
    moving = bool(rng.random() < _SWAYING)
    lighting, at = sample_lighting(rng), view.pixels(position[None])[0]
    drawn = []
    for _ in range(_TRIES):
        camera = _camera(view, rng)
        # the contact point is in its middle, independent of its position in the image
        hand_view = SceneView(
            size=(2 * view.size[0], 2 * view.size[1]),
            camera=camera,
            lighting=lighting,
            surroundings=_ROOM,
            sensor=Sensor(np.ones(3), 1.0, 0.0, 0.0),
        )
        grasp = sample_grasp(use.grips[0], appearance, rng)
        hand = SimulatedDemonstration(0, motion, appearance, grasp, hand_view, np.zeros((2, 3)))
        drawn.append((_count_misplaced(hand, view, at), hand))
        if drawn[-1][0] == 0:
            break
    hand = min(drawn, key=lambda pair: pair[0])[1]
    sway = rng.normal(0, 1, 3) * [0.02, 0.02, 0.03] if moving else np.zeros(3)
    angle = rng.uniform(0, 2 * math.pi)
    offset = rng.uniform(2, 9) * np.array([math.cos(angle), math.sin(angle)])
    return PhotographDemonstration(
        hand=with_meshes(hand, rng),
        view=view,
        position=position,
        sway=sway,
        shadow=offset,
        shade=float(rng.uniform(0.15, 0.5)),
        sensor=replace(sample_sensor(rng, moving=moving), distortion=0.0),
    )


def _count_misplaced(
    hand: SimulatedDemonstration, view: PhotographView, position: np.ndarray
) -> int:
    """Count points of an arm that hide the contact point, many more if it ends in the image."""
    fixture = HandScene(0).fixture
    middle = (max(hand.motion.start, 0.0) + min(hand.motion.end, 1.0)) / 2
    camera = hand.view.camera
    misplaced = count_misplaced(fixture, hand.capsules(fixture, middle), camera, np.zeros(3))
    elbow = hand.pose(fixture, middle).elbow
    if not camera.has_ahead(elbow[None]):
        return misplaced + _ENDING
    contact_pixel, end = hand.view.pixels(np.stack([hand.grasp.contact_point, elbow]))
    end = end - contact_pixel + position
    ending = (end >= 0).all() and (end < np.array(view.size)).all()
    return misplaced + (_ENDING if ending else 0)


def _sample_use(rng: np.random.Generator) -> Use:
    """Draw the motion of an action that moves no object of the photograph."""
    tip: Grip = Fingertip(0.008, 0.008, 0.0)
    pinch: Grip = Pinch(rng.uniform(0.006, 0.028), rng.uniform(0.0, 0.01), 0.015)
    vertical = bool(rng.random() < 0.5)
    hook: Grip = Hook(rng.uniform(0.05, 0.12), rng.uniform(0.004, 0.012), 0.015, vertical)
    action = str(rng.choice(['touch', 'push', 'hold', 'rotate']))
    if action == 'rotate':
        turn = float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.3))
        return Use(action, (pinch,), _ROTATION, (0.0, 0.0), (turn, turn))
    if action == 'hold':
        return Use(action, (pinch if rng.random() < 0.5 else hook,))
    return Use(action, (tip,))


def _camera(view: PhotographView, rng: np.random.Generator) -> Camera:
    """Draw a camera with the contact point in the middle of the canvas, and the hand's size."""
    width, height = view.size
    distance = rng.uniform(0.5, 1.0)
    share = rng.uniform(*_HAND_SIZES)
    focal = share * math.hypot(width, height) * distance / _HAND
    field_of_view = 2 * math.degrees(math.atan(height / focal))
    toward = direction(rng.normal(0, 18), float(np.clip(rng.normal(0, 30), -60, 25)))
    return look_at(distance * toward, np.zeros(3), rng.normal(0, 8), field_of_view)
