# SPDX-License-Identifier: Apache-2.0
"""Looks of a hand of meshes: skin or glove, nails, sleeve, watch and ring, and their textures."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np

from afformer_sim.bodies.hand import LITTLE, THUMB, HandAppearance
from afformer_sim.bodies.solid import Colour
from afformer_sim.hand_mesh.hand_skeleton import CHAINS, load_hand_rig
from afformer_sim.textures.surface_texture import fractal

_GLOVED = 0.1
_WATCH, _RING, _POLISH = 0.3, 0.25, 0.15
# Latex and nitrile gloves, rubber gloves of a kitchen, and work gloves.
_GLOVES: tuple[Colour, ...] = (
    (0.25, 0.45, 0.75),
    (0.08, 0.08, 0.09),
    (0.90, 0.89, 0.86),
    (0.92, 0.76, 0.18),
    (0.80, 0.25, 0.30),
    (0.45, 0.44, 0.42),
)
# Skin from light to dark.
_TONES = np.array(
    [
        [0.96, 0.80, 0.70],
        [0.90, 0.70, 0.58],
        [0.80, 0.59, 0.45],
        [0.66, 0.46, 0.34],
        [0.48, 0.32, 0.23],
        [0.31, 0.20, 0.15],
    ]
)


@dataclass(frozen=True)
class HandStyle:
    """Style of a hand apart from its size and side; equal styles are painted identically.

    Attributes:
        seed: seed of everything painted.
        colour: colour of the skin or glove.
        glove: True for a glove.
        polish: colour of the nails, or None for their own.
        sleeve: colour of the sleeve, or None for a bare arm.
        sleeve_start: position of its cuff, as a share of the way from wrist to elbow.
        sleeve_width: distance of its cloth from the skin, metres.
        watch: colour of a watch's strap, or None.
        ring: finger with a ring, or None.
        curl: bend of the fingers that hold nothing, 0 to 1.
    """

    seed: int
    colour: Colour
    glove: bool
    polish: Colour | None
    sleeve: Colour | None
    sleeve_start: float
    sleeve_width: float
    watch: Colour | None
    ring: int | None
    curl: float


def sample_hand_style(appearance: HandAppearance, rng: np.random.Generator) -> HandStyle:
    """Draw the look of a hand; its appearance determines the sleeve or bare arm."""
    glove = bool(rng.random() < _GLOVED)
    colour = _GLOVES[int(rng.integers(len(_GLOVES)))] if glove else _skin_tone(rng)
    bare_wrist = appearance.sleeve is None or appearance.sleeve_start > 0.3
    strap: Colour | None = None
    if bare_wrist and not glove and rng.random() < _WATCH:
        strap = colorsys.hsv_to_rgb(rng.uniform(0, 0.12), rng.uniform(0, 0.7), rng.uniform(0, 0.6))
    polish: Colour | None = None
    if rng.random() < _POLISH:
        polish = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.4, 0.9), rng.uniform(0.3, 0.9))
    return HandStyle(
        seed=int(rng.integers(1 << 32)),
        colour=colour,
        glove=glove,
        polish=polish,
        sleeve=appearance.sleeve,
        sleeve_start=appearance.sleeve_start,
        sleeve_width=float(rng.uniform(0.004, 0.014)),
        watch=strap,
        ring=int(rng.integers(1, 5)) if not glove and rng.random() < _RING else None,
        curl=float(rng.uniform(0.45, 1.0)),
    )


def _skin_tone(rng: np.random.Generator) -> Colour:
    position = rng.uniform(0, len(_TONES) - 1)
    steps = np.arange(len(_TONES))
    tone = np.array([np.interp(position, steps, channel) for channel in _TONES.T])
    red, green, blue = (tone * (1 + rng.normal(0, 0.03, 3))).clip(0.05, 0.98).tolist()
    return (red, green, blue)


HAND_SIDE = 512
ARM_SIDE = 256
_RED = np.array([0.08, -0.05, -0.04], np.float32)
_PALM = np.array([0.93, 0.70, 0.62])
_NAIL = np.array([0.93, 0.74, 0.70])
_NAIL_LENGTH, _NAIL_WIDTH = 0.0065, 0.0052
# Distance from a bone's line within which skin belongs to its finger, metres.
_FINGER = 0.0135
_CREASE = 0.0007


def paint_hand(style: HandStyle) -> np.ndarray:
    """Paint the hand's texture: uint8 [512, 512, 3] RGB."""
    rng = np.random.default_rng(style.seed)
    positions, normals = _hand_texels()
    base = np.array(style.colour, np.float32)
    clouds = 0.5 * _noise(positions, rng, 6) + 0.5 * _noise(positions, rng, 24)
    grain = rng.standard_normal((HAND_SIDE, HAND_SIDE), np.float32)
    if style.glove:
        return _bytes(base * (1 + 0.1 * clouds + 0.03 * grain)[..., None])
    image = base * (1 + 0.14 * clouds + 0.02 * grain)[..., None]
    image *= 1 + _RED * (0.6 * _noise(positions, rng, 5))[..., None]
    image = _paint_palm(image, base, normals)
    flat = image.reshape(-1, 3)
    for bone in _bones():
        _paint_joint(flat, bone, rng)
    for bone in _bones():
        if bone.last:
            _paint_nail(flat, bone, style)
    return _bytes(image)


def paint_arm(style: HandStyle) -> np.ndarray:
    """Paint the forearm's texture: uint8 [256, 256, 3] RGB."""
    rng = np.random.default_rng((style.seed, 1))
    noise = fractal(rng, ARM_SIDE, ARM_SIDE, 4, 5)
    grain = rng.standard_normal((ARM_SIDE, ARM_SIDE)).astype(np.float32)
    shades = 1 + 0.05 * noise + 0.02 * grain
    image = np.array(style.colour) * shades[..., None]
    if not style.glove:
        image *= 1 + _RED * (0.6 * fractal(rng, ARM_SIDE, ARM_SIDE, 3, 3))[..., None]
    return _bytes(image)


def paint_sleeve(style: HandStyle) -> np.ndarray:
    """Paint the sleeve's texture: uint8 [256, 256, 3] RGB, the cuff in its first rows."""
    rng = np.random.default_rng((style.seed, 2))
    colour = np.array(style.sleeve if style.sleeve is not None else (0.5, 0.5, 0.5))
    rows, columns = np.mgrid[0:ARM_SIDE, 0:ARM_SIDE]
    weave = np.sin(rows * rng.uniform(0.8, 2.5)) * np.sin(columns * rng.uniform(0.8, 2.5))
    shades = 1 + 0.05 * weave + 0.12 * fractal(rng, ARM_SIDE, ARM_SIDE, 4, 4)
    image = np.broadcast_to(colour, (ARM_SIDE, ARM_SIDE, 3)).copy()
    if rng.random() < 0.35:
        # whole numbers of stripes around the arm, so that they meet
        count = int(rng.integers(3, 14))
        along = rows if rng.random() < 0.5 else columns
        striped = np.sin(2 * np.pi * count * along / ARM_SIDE) > rng.uniform(-0.3, 0.7)
        image[striped] = rng.uniform(0.05, 0.95, 3)
    if rng.random() < 0.5:
        image[: int(rng.integers(8, 24))] *= rng.uniform(0.6, 0.95)
    return _bytes(image * shades[..., None])


@dataclass(frozen=True)
class _Bone:
    """Pixels of the hand's texture near one bone of a finger.

    Attributes:
        finger: number of the finger.
        first, last: True for the bone at the finger's root, and for that at its tip.
        length: length of the bone, metres.
        pixels: int64 [N], indices into the flat texture.
        along, beside, up: float32 [N] metres, positions along the bone, across it, and out of
            its back.
    """

    finger: int
    first: bool
    last: bool
    length: float
    pixels: np.ndarray
    along: np.ndarray
    beside: np.ndarray
    up: np.ndarray


@lru_cache(maxsize=1)
def _bones() -> tuple[_Bone, ...]:
    rig = load_hand_rig()
    positions = _hand_texels()[0].reshape(-1, 3)
    bones = []
    for finger, chain in enumerate(CHAINS):
        joints = chain if finger == THUMB else chain[1:]
        for first, second in pairwise(joints):
            start, end = rig.joints[first], rig.joints[second]
            length = float(np.linalg.norm(end - start))
            forward = (end - start) / length
            back = rig.dorsal[first] - (rig.dorsal[first] @ forward) * forward
            back = back / np.linalg.norm(back)
            axes = np.stack([forward, np.cross(forward, back), back], axis=1)
            local = ((positions - start) @ axes).astype(np.float32).T
            along, beside, up = local
            near = (np.hypot(beside, up) < _FINGER) & (np.abs(along - length / 2) < length)
            pixels = np.flatnonzero(near)
            ends = first == joints[0], second == joints[-1]
            bones.append(_Bone(finger, *ends, length, pixels, *local[:, pixels]))
    return tuple(bones)


def _noise(positions: np.ndarray, rng: np.random.Generator, cells: int) -> np.ndarray:
    """Draw smooth noise without seams, about 0: float32 [H, W], `cells` to the hand's length."""
    sheet = fractal(rng, HAND_SIDE, HAND_SIDE, cells, 3)
    x, y, z = np.moveaxis(positions, -1, 0)
    scale = HAND_SIDE / 0.26
    across = (x + 0.4 * z + 0.1) * scale
    down = (y + 0.3 * z + 0.1) * scale
    return cv2.remap(sheet, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _paint_palm(image: np.ndarray, base: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Lighten the palm; darker skin has a stronger contrast."""
    inner = np.clip(0.25 - normals[..., 2], 0, 1)[..., None]
    light = 0.55 * base + 0.45 * _PALM
    share = inner * (0.35 + 0.5 * (1 - float(base.mean())))
    return np.asarray(image * (1 - share) + light * share)


def _paint_joint(flat: np.ndarray, bone: _Bone, rng: np.random.Generator) -> None:
    """Redden the knuckle at a bone's beginning, and darken the creases over it."""
    near = np.exp(-((bone.along / 0.006) ** 2) - (bone.beside / 0.007) ** 2) * (bone.up > 0)
    flat[bone.pixels] *= 1 + (0.9 * _RED - 0.05) * near[:, None]
    if bone.first:
        return
    lines = np.zeros(len(bone.pixels), np.float32)
    for offset in rng.normal(0, 0.0022, 4):
        bent = bone.along - offset - rng.normal(0, 8) * bone.beside**2
        lines = np.maximum(lines, np.exp(-((bent / _CREASE) ** 2)))
    flat[bone.pixels] *= (1 - 0.14 * lines)[:, None]


def _paint_nail(flat: np.ndarray, bone: _Bone, style: HandStyle) -> None:
    size = {THUMB: 1.35, LITTLE: 0.8}.get(bone.finger, 1.0)
    ahead = (bone.along - bone.length + 0.002) / (_NAIL_LENGTH * size)
    shape = ahead**2 + (bone.beside / (_NAIL_WIDTH * size)) ** 2
    here = bone.up > 0.001
    nail = (np.clip((1.1 - shape) / 0.25, 0, 1) * here)[:, None]
    rim = (np.exp(-(((shape - 1.15) / 0.2) ** 2)) * here)[:, None]
    own = 0.5 * _NAIL + 0.5 * np.array(style.colour)
    colour = own if style.polish is None else np.array(style.polish)
    share = (0.75 if style.polish is None else 0.95) * nail
    painted = flat[bone.pixels] * (1 - 0.25 * rim) * (1 - share) + colour * share
    if style.polish is None:
        # the free edge is lighter
        painted += 0.12 * np.clip((ahead - 0.62) * 6, 0, 1)[:, None] * nail
    flat[bone.pixels] = painted


def _bytes(image: np.ndarray) -> np.ndarray:
    return np.round(image.clip(0, 1) * 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _hand_texels() -> tuple[np.ndarray, np.ndarray]:
    """Map the pixels of the hand's texture to the mesh.

    Returns:
        positions and normals, float32 [512, 512, 3] each; pixels beside the mesh show the nearest
        point.
    """
    rig = load_hand_rig()
    shown = np.zeros((HAND_SIDE, HAND_SIDE, 6), np.float32)
    covered = np.zeros((HAND_SIDE, HAND_SIDE), np.uint8)
    attributes = np.concatenate([rig.vertices, rig.normals], axis=1)
    positions = rig.coordinates * HAND_SIDE - 0.5
    for face in rig.faces:
        _fill_triangle(shown, covered, positions[face], attributes[face])
    _, labels = cv2.distanceTransformWithLabels(
        1 - covered, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # each label belongs to one covered pixel
    source = np.zeros(int(labels.max()) + 1, np.int64)
    inside = np.flatnonzero(covered)
    source[labels.ravel()[inside]] = inside
    filled = shown.reshape(-1, 6)[source[labels.ravel()]].reshape(HAND_SIDE, HAND_SIDE, 6)
    return filled[..., :3], filled[..., 3:]


def _fill_triangle(
    shown: np.ndarray, covered: np.ndarray, corners: np.ndarray, values: np.ndarray
) -> None:
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int), covered.shape[0] - 1)
    columns, rows = np.meshgrid(
        np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1), indexing='xy'
    )
    edges = np.column_stack([corners[1] - corners[0], corners[2] - corners[0]])
    if abs(np.linalg.det(edges)) < 1e-9:
        return
    offset = np.stack([columns.ravel(), rows.ravel()]) - corners[0][:, None]
    second, third = np.linalg.solve(edges, offset)
    inside = (second > -0.02) & (third > -0.02) & (second + third < 1.02)
    shares = np.stack([1 - second - third, second, third], axis=1)[inside]
    position = rows.ravel()[inside], columns.ravel()[inside]
    shown[position] = shares @ values
    covered[position] = 1
