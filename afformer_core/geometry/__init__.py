# SPDX-License-Identifier: Apache-2.0
"""Geometry of registered depth: points, normals, poses and clouds."""

from afformer_core.geometry.camera import (
    Calibration,
    CalibrationError,
    DepthImage,
    DepthSettings,
    alignment_problem,
    weighted_cloud,
)
from afformer_core.geometry.grasp import GraspCandidate, grasp_candidate
from afformer_core.geometry.surface import SurfacePoint, measure_surfaces
from afformer_core.geometry.transform import RigidTransform, TransformError

__all__ = [
    'Calibration',
    'CalibrationError',
    'DepthImage',
    'DepthSettings',
    'GraspCandidate',
    'RigidTransform',
    'SurfacePoint',
    'TransformError',
    'alignment_problem',
    'grasp_candidate',
    'measure_surfaces',
    'weighted_cloud',
]
