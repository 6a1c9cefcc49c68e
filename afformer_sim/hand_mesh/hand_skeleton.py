# SPDX-License-Identifier: Apache-2.0
"""The shipped mesh of a hand with its skeleton, and the joints of the mesh in a pose.

The mesh is the generic hand of `@webxr-input-profiles/assets` 1.0.20, under the MIT licence beside
it: its skinned mesh in the axes of `bodies.hand`, enlarged by 6 %, without the faces that close
the wrist.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np

from afformer_sim.bodies.hand import THUMB, HandAppearance, HandPose

# By finger, thumb first, the indices of its joints from the metacarpal bone to the tip.
CHAINS = (
    (23, 22, 21, 20),
    (19, 18, 17, 16, 15),
    (14, 13, 12, 11, 10),
    (9, 8, 7, 6, 5),
    (4, 3, 2, 1, 0),
)


@dataclass(frozen=True)
class HandRig:
    """Left hand at rest in the palm's axes: x to the thumb, y to the fingers, z out of the back.

    Attributes:
        vertices, normals: float64 [V, 3], metres.
        coordinates: float64 [V, 2], texture coordinates, (0, 0) at the image's top left.
        faces: int64 [F, 3]; the mesh is open at the wrist.
        weights: float64 [V, J], share of each joint in a vertex.
        joints: float64 [J, 3], positions of the joints.
        dorsal: float64 [J, 3], unit vectors out of the back of each joint.
        border: int64 [K], vertices around the opening at the wrist, in order.
    """

    vertices: np.ndarray
    normals: np.ndarray
    coordinates: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    joints: np.ndarray
    dorsal: np.ndarray
    border: np.ndarray


@lru_cache(maxsize=1)
def load_hand_rig() -> HandRig:
    """Load the shipped hand."""
    with as_file(files(__package__) / 'generic_hand' / 'left.npz') as path, np.load(path) as kept:
        return HandRig(
            **{name: kept[name].astype(np.float64) for name in kept if name not in _INDICES},
            **{name: kept[name].astype(np.int64) for name in _INDICES},
        )


_INDICES = ('faces', 'border')


# Bend of the last joint as a share of the middle one's: tendons couple them.
_COUPLING = 0.65
_LARGEST_BEND = 1.9
_BENDS = np.linspace(0.03, _LARGEST_BEND, 120)


def bend_finger(
    root: np.ndarray, tip: np.ndarray, lengths: np.ndarray, bend: np.ndarray
) -> np.ndarray:
    """Return the joints of a finger whose ends are given: float64 [4, 3], from root to tip.

    The bones lie in one plane, and the last joint bends 0.65 times as far as the middle one. A
    finger that is too short is lengthened, and one that cannot bend enough is shortened, because
    the tip matters more than the bones.

    Args:
        root, tip: [3] metres.
        lengths: [3] metres, of the bones from the root.
        bend: [3], direction in which the joints leave the line from root to tip.
    """
    span = tip - root
    distance = max(float(np.linalg.norm(span)), 1e-6)
    along = span / distance
    sideways = bend - (bend @ along) * along
    sideways /= max(float(np.linalg.norm(sideways)), 1e-6)
    joints = flat_finger(lengths, _bend_for(distance, lengths))
    # turned in its plane and scaled so that its end is the tip
    end = joints[-1]
    reached = float(np.hypot(*end))
    cosine, sine = end / reached
    turned = joints @ np.array([[cosine, -sine], [sine, cosine]]) * (distance / reached)
    return np.asarray(root + turned[:, :1] * along + turned[:, 1:] * sideways)


def flat_finger(lengths: np.ndarray, bend: float) -> np.ndarray:
    """Return the joints of a finger in its plane: float64 [4, 2], the first bone along x.

    Args:
        lengths: [3] metres.
        bend: angle of the middle joint, radians; it bends to negative y.
    """
    angles = np.array([0.0, -bend, -(1 + _COUPLING) * bend])
    steps = lengths[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])


def _bend_for(distance: float, lengths: np.ndarray) -> float:
    """Return the angle of the middle joint at which the ends are `distance` apart."""
    angles = np.stack([0 * _BENDS, -_BENDS, -(1 + _COUPLING) * _BENDS])
    x = (lengths[:, None] * np.cos(angles)).sum(axis=0)
    y = (lengths[:, None] * np.sin(angles)).sum(axis=0)
    reaches = np.hypot(x, y)
    return float(np.interp(-distance, -reaches, _BENDS))


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
    for finger in range(len(CHAINS)):
        bones = _bones(finger)
        rest = rig.joints[bones]
        bend = dorsal
        if finger == THUMB:
            bend = 0.6 * dorsal + pose.rotation[:, 0] * appearance.thumb_side
        posed = _finger(finger, rest, pose, palm, position, bend, curl)
        for joint, index in enumerate(bones[:-1]):
            ends, out = slice(joint, joint + 2), _outward(posed, bend)
            transforms[index] = _bone_transform(
                rest[ends], rig.dorsal[index], posed[ends], out, appearance
            )
        transforms[bones[-1]] = transforms[bones[-2]]
    return transforms


def _bones(finger: int) -> list[int]:
    """Return the joints of a finger that move; only the thumb's metacarpal bone does."""
    return list(CHAINS[finger][0 if finger == THUMB else 1 :])


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
    return np.asarray(root + flat[:, :1] * along + flat[:, 1:] * up)


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
            rest = rig.joints[_bones(finger)]
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
