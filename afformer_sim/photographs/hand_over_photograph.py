# SPDX-License-Identifier: Apache-2.0
"""Renderer of a hand alone, with its opacity, and its composition over a photograph."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from afformer_sim.cameras.camera import Camera
from afformer_sim.hand_mesh.posed_hand import PosedHand
from afformer_sim.scene.renderer import HAND, Renderer


@dataclass(frozen=True)
class HandImage:
    """Image of a hand without a background.

    Attributes:
        colours: float32 [H, W, 3], 0 to 1.
        opacity: float32 [H, W], 0 to 1.
    """

    colours: np.ndarray
    opacity: np.ndarray


def render_hand(
    renderer: Renderer, camera: Camera, size: tuple[int, int], hand: PosedHand
) -> HandImage:
    """Render a hand with its opacity."""
    colours = renderer.render(camera, size, hand)
    mask = (renderer.segment(camera, size, hand) <= HAND).astype(np.float32)
    # soft towards the inside, because only the hand has the hand's colours
    opacity = mask * np.clip(1.6 * cv2.GaussianBlur(mask, (0, 0), 0.9) - 0.6, 0, 1)
    return HandImage(colours.astype(np.float32) / 255, opacity)


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
    hand: HandImage,
    corner: np.ndarray,
    light: np.ndarray,
    shadow: tuple[float, float, float],
) -> np.ndarray:
    """Put a hand and its shadow over an image: uint8 [H, W, 3] RGB.

    Args:
        photograph: uint8 [H, W, 3] RGB.
        hand: the hand, on a canvas of any size.
        corner: [2] pixels of the image, position of the canvas's top left pixel.
        light: float32 [3] RGB factors of the hand's colours.
        shadow: shift to the right and down in pixels, and the share of the light that it blocks.
    """
    size = (photograph.shape[1], photograph.shape[0])
    shift = np.array([[1, 0, corner[0]], [0, 1, corner[1]]], np.float32)
    opacity = cv2.warpAffine(hand.opacity, shift, size)
    colours = cv2.warpAffine(hand.colours, shift, size)
    right, down, share = shadow
    moved = shift + np.array([[0, 0, right], [0, 0, down]], np.float32)
    softness = 2.0 + 0.35 * float(np.hypot(right, down))
    dark = cv2.GaussianBlur(cv2.warpAffine(hand.opacity, moved, size), (0, 0), softness)
    ground = photograph.astype(np.float32) / 255 * (1 - share * dark)[..., None]
    mixed = ground + (colours * light - ground) * opacity[..., None]
    return np.asarray(np.round(mixed.clip(0, 1) * 255).astype(np.uint8))
