# SPDX-License-Identifier: Apache-2.0
"""Joints of the hand's mesh for a pose given by palm and fingertips."""

from __future__ import annotations

import numpy as np

from afformer_sim.bodies.hand import THUMB, HandAppearance, HandPose
from afformer_sim.hand_mesh.finger_chain import bend_finger, flat_finger
from afformer_sim.hand_mesh.hand_rig import HandRig

# The middle of a fingertip lies this far before the end of the last bone, metres.
_PAD = 0.006
# The hand moves closer until no finger is stretched beyond this share of its length.
_STRETCH = 0.985
_STEPS = 12
# Bends of the root and the middle joint of a finger that holds nothing, radians.
_CURL = (1.15, 1.45)
_THUMB_TARGET = np.array([0.047, 0.052, -0.026])


def joint_transforms(
    rig: HandRig, appearance: HandAppearance, pose: HandPose, curl: float = 1.0
) -> np.ndarray:
    """Return the motion of each joint from the rig's rest to the pose: float64 [J, 3, 4].

    Args:
        rig: the left hand at rest; a right one is its mirror image.
        appearance: size and side of the hand.
        pose: pose of palm and fingertips.
        curl: bend of the fingers that hold nothing, 0 to 1.
    """
    mirror = np.array([appearance.thumb_side, 1.0, 1.0])
    palm = pose.rotation * mirror * appearance.scale
    position = pose.palm + _lean(rig, palm, appearance.scale, pose)
    dorsal = pose.rotation[:, 2]
    transforms = np.empty((len(rig.joints), 3, 4))
    transforms[:] = np.concatenate([palm, position[:, None]], axis=1)
    for finger in range(len(rig.chains)):
        bones = _bones(rig, finger)
        rest = rig.joints[bones]
        bend = dorsal
        if finger == THUMB:
            bend = 0.6 * dorsal + pose.rotation[:, 0] * appearance.thumb_side
        posed = _finger(finger, rest, pose, palm, position, bend, curl)
        for joint, index in enumerate(bones[:-1]):
            transforms[index] = _bone_transform(
                rest[joint : joint + 2],
                rig.dorsal[index],
                posed[joint : joint + 2],
                _outward(posed, bend),
                appearance,
            )
        transforms[bones[-1]] = transforms[bones[-2]]
    return transforms


def _bones(rig: HandRig, finger: int) -> list[int]:
    """Return the joints of a finger that move; only the thumb's metacarpal bone does."""
    return list(rig.chains[finger][0 if finger == THUMB else 1 :])


def _finger(
    finger: int,
    rest: np.ndarray,
    pose: HandPose,
    palm: np.ndarray,
    position: np.ndarray,
    bend: np.ndarray,
    curl: float,
) -> np.ndarray:
    """Return the joints of a finger in the world, float64 [4, 3]; the last is the bone's end."""
    scale = float(np.linalg.norm(palm[:, 1]))
    lengths = np.linalg.norm(np.diff(rest, axis=0), axis=1) * scale
    root = palm @ rest[0] + position
    held = finger in pose.tips
    if not held and finger != THUMB:
        return _curled(root, lengths, pose.rotation[:, 1], pose.rotation[:, 2], curl)
    tip = pose.tips[finger] if held else palm @ _THUMB_TARGET + position
    pad = lengths - [0, 0, _PAD * scale]
    joints = bend_finger(root, tip, pad, bend)
    joints[3] += (joints[3] - joints[2]) * (_PAD * scale / max(pad[2], 1e-6))
    return joints


def _curled(
    root: np.ndarray, lengths: np.ndarray, forward: np.ndarray, dorsal: np.ndarray, curl: float
) -> np.ndarray:
    first, middle = _CURL[0] * curl, _CURL[1] * curl
    flat = flat_finger(lengths, middle)
    along = np.cos(first) * forward - np.sin(first) * dorsal
    up = np.sin(first) * forward + np.cos(first) * dorsal
    joints: np.ndarray = root + flat[:, :1] * along + flat[:, 1:] * up
    return joints


def _outward(joints: np.ndarray, hint: np.ndarray) -> np.ndarray:
    """Return the unit vector in the finger's plane to which its joints stand out."""
    span = joints[3] - joints[0]
    span = span / max(float(np.linalg.norm(span)), 1e-9)
    out = (joints[1] + joints[2]) / 2 - joints[0]
    out = out - (out @ span) * span
    if np.linalg.norm(out) < 1e-4:
        out = hint - (hint @ span) * span
    out = out / max(float(np.linalg.norm(out)), 1e-9)
    return np.asarray(out)


def _bone_transform(
    rest: np.ndarray,
    rest_dorsal: np.ndarray,
    posed: np.ndarray,
    outward: np.ndarray,
    appearance: HandAppearance,
) -> np.ndarray:
    """Return the motion of a bone, given by its ends [2, 3]: [3, 4]."""
    before, before_length = _frame(rest, rest_dorsal)
    after, after_length = _frame(posed, outward)
    # the third axis is mirrored for a right hand
    size = appearance.scale * np.array([appearance.thumb_side, 1.0, 1.0])
    size[1] = after_length / before_length
    linear = (after * size) @ before.T
    return np.concatenate([linear, (posed[0] - linear @ rest[0])[:, None]], axis=1)


def _frame(ends: np.ndarray, dorsal: np.ndarray) -> tuple[np.ndarray, float]:
    """Return axes as columns [3, 3], the second along the bone, and the bone's length."""
    along = ends[1] - ends[0]
    length = float(np.linalg.norm(along))
    along = along / length
    up = dorsal - (dorsal @ along) * along
    up = up / np.linalg.norm(up)
    return np.stack([np.cross(along, up), along, up], axis=1), length


def _lean(rig: HandRig, palm: np.ndarray, scale: float, pose: HandPose) -> np.ndarray:
    """Return the shift of the palm, [3] metres, that lets its fingers reach their tips."""
    shift = np.zeros(3)
    for _ in range(_STEPS):
        pulls = []
        for finger, tip in pose.tips.items():
            rest = rig.joints[_bones(rig, finger)]
            length = np.linalg.norm(np.diff(rest, axis=0), axis=1).sum() - _PAD
            span = tip - (palm @ rest[0] + pose.palm + shift)
            distance = float(np.linalg.norm(span))
            excess = distance - _STRETCH * length * scale
            if excess > 1e-4:
                pulls.append(excess * span / distance)
        if not pulls:
            break
        shift = shift + np.mean(pulls, axis=0)
    return shift
