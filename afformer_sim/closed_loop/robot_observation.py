# SPDX-License-Identifier: Apache-2.0
"""Observations of a robot's colour and depth camera, and points published for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from afformer_core.geometry import Calibration, DepthImage, RigidTransform, SurfacePoint
from afformer_core.outputs.results import CameraFrame, SpatialView
from afformer_core.runtime import Peak
from afformer_core.stream.grounding_stream import lift_peaks
from afformer_core.stream.settings import StreamSettings
from afformer_sim.bodies.fixture import Fixture, States
from afformer_sim.bodies.solid import STILL
from afformer_sim.cameras.depth_camera import millimetres
from afformer_sim.datasets.rgbd_messages import camera_matrix
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.view import SceneView, front_centre

_FRAME = 'camera_optical_frame'
# A pixel is inside if its distance to the edge is this share of the largest one, or of 8 pixels.
_INNER_SHARE = 0.75
_INNER_PIXELS = 8.0


@dataclass(frozen=True)
class RobotObservation:
    """One observation of a robot's camera.

    Attributes:
        view: view of the camera.
        image: uint8 [H, W, 3] RGB.
        depth: float32 [H, W], exact metres along the optical axis.
        shown: int32 [H, W], the element that each pixel shows; see `Renderer.segment`.
    """

    view: SceneView
    image: np.ndarray
    depth: np.ndarray
    shown: np.ndarray

    def right_pixel(self, fixture: Fixture, element: int) -> np.ndarray | None:
        """Return the pixel of a perfect peak for an element: [2] (x, y).

        It is the middle of the element's front, or the nearest pixel of the visible operated part
        that is not directly at an edge. None if no part of it is visible.
        """
        outline = self.view.outline(fixture, element)
        operated = np.zeros(self.shown.shape, np.uint8)
        cv2.fillPoly(operated, [np.round(outline).astype(np.int32)], 1)
        seen = np.pad(operated * (self.shown == element), 1).astype(np.uint8)
        inwards = cv2.distanceTransform(seen, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
        if not inwards.any():
            return None
        displacement = self.view.states.get(element, STILL)
        middle = front_centre(fixture.elements[element], displacement)
        expected = self.view.pixels(middle[None])[0]
        rows, columns = np.nonzero(inwards >= _INNER_SHARE * min(_INNER_PIXELS, inwards.max()))
        pixels = np.stack([columns, rows], axis=1).astype(float)
        distances = np.linalg.norm(pixels - expected, axis=1)
        near = pixels[distances.argmin()]
        return np.asarray(expected if distances.min() < 1 else near)


def see(
    renderer: Renderer, view: SceneView, states: States, rng: np.random.Generator
) -> RobotObservation:
    """Render the observation of a robot's camera, with elements in some states."""
    renderer.set_room(view.lighting, view.surroundings)
    image, depth = renderer.render_with_depth(view.camera, view.size, states=states)
    shown = renderer.segment(view.camera, view.size, states=states)
    exposed = view.sensor.expose(image, rng)
    return RobotObservation(replace(view, states=states), exposed, depth, shown)


def publish_pixel(
    pixel: np.ndarray | None,
    observation: RobotObservation,
    sensed: np.ndarray,
    settings: StreamSettings,
) -> SurfacePoint:
    """Compute the published point for a best peak at a pixel, [2] (x, y), or for none.

    It is in the fixture's frame; its normal is towards the camera if that of the surface is
    unknown.
    """
    if pixel is None:
        return SurfacePoint.unknown('the element is hidden')
    peak = Peak(float(pixel[0]), float(pixel[1]), 1.0)
    frame = CameraFrame(observation.image, 0, _FRAME)
    depth = DepthImage(millimetres(sensed), _FRAME, 0)
    spatial = SpatialView(depth, _calibration(observation.view), '')
    _, (seen,) = lift_peaks([peak], frame, spatial, settings)
    camera = observation.view.camera
    surface = RigidTransform(camera.optical.rotation, camera.optical.position).surface(seen)
    if surface.position is None or surface.normal is not None:
        return surface
    toward = camera.position - surface.position
    return replace(surface, normal=toward / np.linalg.norm(toward))


def _calibration(view: SceneView) -> Calibration:
    return Calibration(*view.size, camera_matrix(view), '', (), (0.0, 0.0), _FRAME)
