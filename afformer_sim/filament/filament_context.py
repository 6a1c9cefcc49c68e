# SPDX-License-Identifier: Apache-2.0
"""MuJoCo's physically based renderer (Filament): its context, image-based light and meshes."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

_DRIVERS = ('/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d')


def missing_filament() -> str | None:
    """Return a missing requirement of the physically based renderer, or None."""
    if find_spec('mujoco') is None or find_spec('mujoco.studio') is None:
        return (
            'the package mujoco-studio is not installed; it comes with MuJoCo 4 on Python 3.11 or '
            "newer: pip install 'mujoco>=4'"
        )
    named = os.environ.get('VK_DRIVER_FILES') or os.environ.get('VK_ICD_FILENAMES')
    found = any(any(Path(folder).glob('*.json')) for folder in _DRIVERS)
    if not named and not found:
        return (
            'no Vulkan driver is installed; on Debian and Ubuntu: apt install mesa-vulkan-drivers'
        )
    return None


def require_filament() -> None:
    """Check that the physically based renderer can be used.

    Raises:
        ModuleNotFoundError: something is missing; the message says how to install it.
    """
    missing = missing_filament()
    if missing is not None:
        raise ModuleNotFoundError(f'renderer is filament, but {missing}')


@lru_cache(maxsize=1)
def filament_context() -> tuple[ModuleType, Any]:
    """Open the renderer on the CPU, once per process: MuJoCo's module `mjrf` and its context.

    Raises:
        ModuleNotFoundError: see `require_filament`.
    """
    require_filament()
    # the materials are registered by this import, which must come first
    import_module('mujoco.studio')
    mjrf = import_module('mujoco.mjrf')

    settings = mjrf.ContextConfig()
    settings.graphics_api = mjrf.GraphicsApi.GRAPHICS_API_VULKAN
    settings.software_rendering = True
    context = mjrf.Context(settings)
    context.set_clear_color(np.zeros(3, np.float32))
    return mjrf, context


@lru_cache(maxsize=1)
def room_light() -> Any:
    """Load MuJoCo's image-based light of a room as a cube texture."""
    import mujoco.studio

    mjrf, context = filament_context()
    path = Path(mujoco.studio.__file__).parent / 'assets' / 'ibl.ktx'
    content = path.read_bytes()
    texture = context.create_texture(
        mjrf.TextureConfig(
            width=len(content),
            height=0,
            format=mjrf.PixelFormat.PIXEL_FORMAT_KTX,
            sampler_type=mjrf.SamplerType.TEXTURE_CUBE,
        )
    )
    data = mjrf.TextureData()
    data.set_image(content)
    texture.upload(data)
    return texture


def image_texture(image: np.ndarray) -> Any:
    """Upload an image, uint8 [H, W, 3] RGB, as a texture."""
    mjrf, context = filament_context()
    texture = context.create_texture(
        mjrf.TextureConfig(
            width=image.shape[1],
            height=image.shape[0],
            format=mjrf.PixelFormat.PIXEL_FORMAT_RGB8,
            color_space=mjrf.ColorSpace.COLORSPACE_SRGB,
            sampler_type=mjrf.SamplerType.TEXTURE_2D,
        )
    )
    data = mjrf.TextureData()
    data.set_image(image.tobytes())
    texture.upload(data)
    return texture
