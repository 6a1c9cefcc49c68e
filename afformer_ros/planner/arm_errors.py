# SPDX-License-Identifier: Apache-2.0
"""Errors of an arm and its controllers."""

from __future__ import annotations

from afformer_core.errors import AfformerError


class ArmError(AfformerError):
    """Raised if an arm does not answer, or a position is invalid."""


class ControllerError(ArmError):
    """Raised if a controller rejects or ends a motion; it holds the arm."""


class InterruptedArmError(ArmError):
    """Raised if an arm stands where an action was interrupted."""


class StoppedError(ArmError):
    """Raised if the planner or its goal is stopped while its arm moves."""
