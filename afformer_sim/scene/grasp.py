# SPDX-License-Identifier: Apache-2.0
"""Grasps of a hand on an element (press, pinch or hook), and arms that obstruct the view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import Fingertip, Grip, Hook, Pinch
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.hand import (
    FINGERTIP_RADIUS,
    INDEX,
    LITTLE,
    MIDDLE,
    RING,
    THUMB,
    Capsule,
    HandAppearance,
    HandPose,
    elbow_from_wrist,
    knuckle,
    reach,
)
from afformer_sim.bodies.solid import Pose, cross
from afformer_sim.cameras.camera import Camera

_OUTWARD = np.array([0.0, 0.0, 1.0])
# Number of tested positions along a capsule.
_ALONG = np.linspace(0, 1, 6)


@dataclass(frozen=True)
class Grasp:
    """Hand on an element at rest, in the element's frame.

    Attributes:
        contacts: fingertip centres by finger, [3] metres each.
        contact_point: [3] metres, the middle of the touched area.
        palm: [3] metres, the palm's middle.
        rotation: [3, 3] of the palm, as in `HandPose`.
        elbow: [3] metres.
        opening: opening of the fingertips before and after the contact, as a share of their
            distance from the frame's z axis.
    """

    contacts: dict[int, np.ndarray]
    contact_point: np.ndarray
    palm: np.ndarray
    rotation: np.ndarray
    elbow: np.ndarray
    opening: float

    def pose(
        self, tips: Pose, palm: Pose, arm: Pose, hand_offset: np.ndarray, openness: float
    ) -> HandPose:
        """Return the hand's pose while it operates the element.

        Args:
            tips: the element's frame, moved with the element.
            palm, arm: the same frame, moved like palm and elbow.
            hand_offset: [3] metres away from the element, in its frame (zeros: in contact).
            openness: 0 (fingers closed) to 1.
        """
        spread = np.array([1 + self.opening * openness, 1 + self.opening * openness, 1])
        return HandPose(
            palm=palm.apply(self.palm + hand_offset),
            rotation=palm.rotation @ self.rotation,
            tips={
                finger: tips.apply(contact * spread + hand_offset)
                for finger, contact in self.contacts.items()
            },
            elbow=arm.apply(0.7 * hand_offset + self.elbow),
        )


def sample_grasp(grip: Grip, hand: HandAppearance, rng: np.random.Generator) -> Grasp:
    """Draw a plausible grasp: finger on a front, pinch around a knob, or hook around a bar."""
    if isinstance(grip, Fingertip):
        return _press(grip, hand, rng)
    if isinstance(grip, Pinch):
        return _pinch(grip, hand, rng)
    return _hook(grip, hand, rng)


def _press(front: Fingertip, hand: HandAppearance, rng: np.random.Generator) -> Grasp:
    upward, dive = _approach(hand, rng), math.radians(rng.uniform(25, 58))
    rotation = _orient(upward, dive, math.radians(rng.normal(0, 12)))
    finger = MIDDLE if rng.random() < 0.15 else INDEX
    position = np.clip(rng.normal(0, 0.2, 2), -0.5, 0.5) * [front.half_width, front.half_height]
    tip = np.array([front.x + position[0], front.y + position[1], front.level + FINGERTIP_RADIUS])
    palm = tip - rotation @ (knuckle(hand, finger) + np.array([0, reach(hand, finger), -0.012]))
    contacts = {finger: tip}
    if finger == MIDDLE or rng.random() < 0.2:
        # two fingers side by side, the second just above the surface
        other = INDEX if finger == MIDDLE else MIDDLE
        side = rotation @ (knuckle(hand, other) - knuckle(hand, finger)) * 0.75
        contacts[other] = tip + np.array([side[0], side[1], 0.004])
    contact_point = tip - FINGERTIP_RADIUS * _OUTWARD
    return _grasp(contacts, contact_point, palm, rotation, hand, 0.0, rng)


def _pinch(knob: Pinch, hand: HandAppearance, rng: np.random.Generator) -> Grasp:
    upward = _approach(hand, rng)
    rotation = _orient(upward, math.radians(rng.uniform(38, 65)), math.radians(rng.normal(0, 10)))
    radius = knob.radius + FINGERTIP_RADIUS
    thumb = math.atan2(upward[1], upward[0]) + hand.thumb_side * -math.pi / 2
    thumb += hand.thumb_side * rng.uniform(-0.5, 0.1)
    angles = {
        THUMB: thumb,
        INDEX: thumb + math.pi,
        MIDDLE: thumb + math.pi - hand.thumb_side * rng.uniform(0.55, 0.8),
    }
    if knob.radius > 0.015 and rng.random() < 0.5:
        angles[RING] = angles[MIDDLE] - hand.thumb_side * 0.6
    level = knob.level + FINGERTIP_RADIUS * 0.5
    contacts = {
        finger: np.array([radius * math.cos(angle), radius * math.sin(angle), level])
        for finger, angle in angles.items()
    }
    above = rotation @ np.array([hand.thumb_side * 0.028, 0.105, -0.022]) * hand.scale
    palm = np.array([0, 0, knob.top]) - above
    contact_point = np.array([0, 0, level])
    return _grasp(contacts, contact_point, palm, rotation, hand, 0.5, rng)


def _hook(bar: Hook, hand: HandAppearance, rng: np.random.Generator) -> Grasp:
    along = np.array([0.0, 1.0]) if bar.vertical else np.array([1.0, 0.0])
    # a right hand comes from the right of a vertical bar, its fingers pointing left
    upward = np.array([hand.thumb_side, 0.0] if bar.vertical else [0.0, 1.0])
    tilt = rng.normal(0, 0.25)
    hand_upward = _turned(tilt)[:2, :2] @ upward
    dive, roll = math.radians(rng.uniform(32, 58)), math.radians(rng.normal(0, 8))
    rotation = _orient(hand_upward, dive, roll)
    aside = bar.radius + FINGERTIP_RADIUS * 0.9
    sign = 1.0 if rotation[:2, 0] @ along > 0 else -1.0
    slot = np.array([knuckle(hand, finger)[0] for finger in range(5)]) * 0.85 * sign
    middle = (slot[INDEX] + slot[MIDDLE]) / 2
    contacts = {}
    for finger in (INDEX, MIDDLE, RING, LITTLE):
        position = slot[finger] - middle
        if abs(position) < bar.length / 2 or finger == INDEX:
            position = float(np.clip(position, -bar.length / 2, bar.length / 2))
            contacts[finger] = np.array([*(position * along + aside * upward), bar.level])
    thumb = 0.3 * (slot[INDEX] - middle) * along - aside * upward
    contacts[THUMB] = np.array([*thumb, bar.level])
    across = (knuckle(hand, INDEX)[0] + knuckle(hand, MIDDLE)[0]) / 2
    grip = np.array([across, 0.09 * hand.scale, -0.02 * hand.scale])
    palm = np.array([0, 0, bar.level + bar.radius]) - rotation @ grip
    fingers = np.mean([tip for finger, tip in contacts.items() if finger != THUMB], axis=0)
    contact_point = np.array([*((fingers[:2] @ along) * along), bar.level])
    return _grasp(contacts, contact_point, palm, rotation, hand, 0.35, rng)


def _grasp(
    contacts: dict[int, np.ndarray],
    contact_point: np.ndarray,
    palm: np.ndarray,
    rotation: np.ndarray,
    hand: HandAppearance,
    opening: float,
    rng: np.random.Generator,
) -> Grasp:
    forward = rotation[:, 1]
    lateral = np.array([forward[0], forward[1], 0]) / math.hypot(forward[0], forward[1])
    rise = math.asin(-forward[2]) - math.radians(rng.uniform(5, 35))
    swing = _turned(rng.normal(0, 0.25))
    toward = swing @ (-math.cos(rise) * lateral + math.sin(max(rise, 0.1)) * _OUTWARD)
    elbow = elbow_from_wrist(hand, palm, rotation, toward / np.linalg.norm(toward))
    return Grasp(contacts, contact_point, palm, rotation, elbow, opening)


def _approach(hand: HandAppearance, rng: np.random.Generator) -> np.ndarray:
    """Draw the direction of the fingers on the panel: up, towards the other hand."""
    angle = hand.thumb_side * math.radians(float(np.clip(rng.normal(20, 28), -45, 80)))
    return np.array([math.sin(angle), math.cos(angle)])


def _orient(upward: np.ndarray, dive: float, roll: float) -> np.ndarray:
    """Return the palm's rotation: fingers along `upward` on the panel and diving into it."""
    forward = np.array([*(math.cos(dive) * upward), -math.sin(dive)])
    dorsal = _OUTWARD - (_OUTWARD @ forward) * forward
    dorsal /= np.linalg.norm(dorsal)
    right = cross(forward, dorsal)
    dorsal = math.cos(roll) * dorsal + math.sin(roll) * right
    return np.stack([cross(forward, dorsal), forward, dorsal], axis=1)


def _turned(angle: float) -> np.ndarray:
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def count_misplaced(
    fixture: Fixture, capsules: Sequence[Capsule], camera: Camera, front: np.ndarray
) -> int:
    """Count points of an arm that hide an element or the camera, or lie below the table.

    Args:
        camera: camera that sees them.
        front: [3] metres, the middle of the element's front.

    Returns: number of points; 0 if the arm does not obstruct the view.
    """
    line_of_sight = front - camera.position
    distance = float(np.linalg.norm(line_of_sight))
    starts = np.array([capsule.start for capsule in capsules])
    ends = np.array([capsule.end for capsule in capsules])
    points = (starts[:, None] + _ALONG[:, None] * (ends - starts)[:, None]).reshape(-1, 3)
    along = (points - camera.position) @ (line_of_sight / distance)
    beside = points - camera.position - np.outer(along, line_of_sight / distance)
    aside = np.linalg.norm(beside, axis=1)
    near = (along < 0.5 * distance) & (aside < 0.45 * along.clip(0) + 0.05)
    # the palm and forearm are more likely to hide the element than the fingers
    hiding = (along < distance - 0.03) & (aside < 0.02)
    below = points[:, 1] < fixture.bottom + 0.005
    stands = fixture.panel is None
    return int(near.sum() + max(hiding.sum() - 3, 0) + (below.sum() if stands else 0))
