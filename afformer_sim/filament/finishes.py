# SPDX-License-Identifier: Apache-2.0
"""Finishes of surfaces for physically based rendering: plastics, lacquer and metals."""

from __future__ import annotations

import mujoco
import numpy as np

_FINISHES = 12
# Shares of metals among the finishes, the panels and the tables and walls.
_METALLIC, _PANEL_METALLIC, _SURFACE_METALLIC = 0.3, 0.35, 0.08
# Share of bare steel among the metals.
_STEEL = 0.6

FINISH_MATERIALS = ''.join(f'<material name="finish_{k}"/>' for k in range(_FINISHES))


def apply_finishes(model: mujoco.MjModel, rng: np.random.Generator) -> None:
    """Give all materials of a model a finish, and its plain solids a finish by their colour.

    Args:
        model: model with the materials `FINISH_MATERIALS`.
        rng: source of randomness.
    """
    for index in range(model.nmat):
        name = model.material(index).name
        share = _METALLIC
        if name == 'panel':
            share = _PANEL_METALLIC
        elif name.startswith('surface'):
            share = _SURFACE_METALLIC
        metal = rng.random() < share
        model.mat_metallic[index] = 1.0 if metal else 0.0
        roughness = rng.uniform(0.2, 0.5) if metal else rng.choice([0.12, 0.35, 0.6, 0.85])
        model.mat_roughness[index] = roughness
    plain = np.flatnonzero(model.geom_matid < 0)
    colours, kinds = np.unique(model.geom_rgba[plain].round(3), axis=0, return_inverse=True)
    finishes = rng.integers(_FINISHES, size=len(colours))
    for geom, kind in zip(plain, kinds.reshape(-1), strict=True):
        model.geom_matid[geom] = model.material(f'finish_{finishes[kind]}').id
    for colour, finish in enumerate(finishes):
        metal = model.mat_metallic[model.material(f'finish_{finish}').id] > 0
        if metal and rng.random() < _STEEL:
            grey = rng.uniform(0.55, 0.85)
            model.geom_rgba[plain[kinds.reshape(-1) == colour], :3] = grey
