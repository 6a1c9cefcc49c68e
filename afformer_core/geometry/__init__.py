# SPDX-License-Identifier: Apache-2.0
"""Geometry of registered depth: points, normals, poses and clouds."""

from afformer_core.geometry.camera import (
    Calibration,
    CalibrationError,
    DepthImage,
    alignment_problem,
)
from afformer_core.geometry.cloud import weighted_cloud
from afformer_core.geometry.grasp import GraspCandidate, grasp_candidate
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings, measure_surfaces
from afformer_core.geometry.transform import RigidTransform, TransformError

__all__ = [
    'Calibration',
    'CalibrationError',
    'DepthImage',
    'GraspCandidate',
    'RigidTransform',
    'SurfacePoint',
    'SurfaceSettings',
    'TransformError',
    'alignment_problem',
    'grasp_candidate',
    'measure_surfaces',
    'weighted_cloud',
]
