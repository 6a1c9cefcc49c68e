# SPDX-License-Identifier: Apache-2.0
"""The model of the planner's arm."""

from __future__ import annotations

from pathlib import Path

import mujoco

from afformer_core.errors import AfformerError
from afformer_sim.arm.franka import arm_model


def open_arm_model(path: str) -> mujoco.MjModel:
    """Read the MJCF or URDF file of an arm; an empty path is the simulator's Franka arm.

    Raises:
        AfformerError: the file cannot be read, or the package with the Franka arm is missing.
    """
    if not path:
        return arm_model()
    if not Path(path).is_file():
        raise AfformerError(f'{path} is not a file; expected the MJCF or URDF of the arm')
    try:
        return mujoco.MjModel.from_xml_path(path)
    except ValueError as error:
        raise AfformerError(f'{path} cannot be read as a MuJoCo model: {error}') from error
