# SPDX-License-Identifier: Apache-2.0
"""Observations of a robot's colour and depth camera, and the points published of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from rosbags.typesys import Stores, get_typestore

from afformer_core.geometry import Calibration, DepthImage, RigidTransform, SurfacePoint
from afformer_core.messages.rosbags_messages import RosbagsMessages
from afformer_core.runtime import Peak
from afformer_core.runtime.prediction import Prediction
from afformer_core.sim.bodies.appliance import Appliance
from afformer_core.sim.bodies.pose import STILL
from afformer_core.sim.bodies.states import States
from afformer_core.sim.cameras.camera import Camera
from afformer_core.sim.cameras.depth_camera import SensedDepth
from afformer_core.sim.datasets.rgbd_messages import camera_info_message, header_message
from afformer_core.sim.datasets.rgbd_scene import plan_rgbd_scene
from afformer_core.sim.scene.outline import front_centre
from afformer_core.sim.scene.renderer import Renderer
from afformer_core.sim.scene.scene import Scene
from afformer_core.sim.scene.view import View
from afformer_core.stream.grounding_stream import GroundingStream
from afformer_core.stream.location import locate
from afformer_core.stream.results import CameraFrame, SpatialView
from afformer_core.stream.settings import StreamSettings

_FRAME = 'camera_optical_frame'
_LAP_SECONDS = 12.0
# A pixel is not at an edge if it is this share of so many pixels, or of the most, from it.
_INNER_SHARE = 0.75
_INNER_PIXELS = 8.0
# From the camera's axes right, up and backward to the optical frame's right, down and ahead.
_OPTICAL = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Sighting:
    """One moment of a robot's camera.

    Attributes:
        view: of the camera.
        image: uint8 [H, W, 3] RGB.
        depth: float32 [H, W], exact metres along the optical axis.
        shown: int32 [H, W], the element that each pixel shows; see `Renderer.segment`.
    """

    view: View
    image: np.ndarray
    depth: np.ndarray
    shown: np.ndarray

    def __post_init__(self) -> None:
        width, height = self.view.size
        if not self.image.shape[:2] == self.depth.shape == self.shown.shape == (height, width):
            raise ValueError(
                f'an image of {self.image.shape}, depth of {self.depth.shape} and elements of '
                f'{self.shown.shape} are not of a camera of {width} x {height} pixels'
            )

    def right_pixel(self, appliance: Appliance, element: int) -> np.ndarray | None:
        """Where a perfect peak would be for an element: [2] (x, y).

        It is the middle of the element's front, or as near to it as the operated part is seen and
        not right at an edge. None where nothing is seen of that part.
        """
        outline = self.view.outline(appliance, element)
        operated = np.zeros(self.shown.shape, np.uint8)
        cv2.fillPoly(operated, [np.round(outline).astype(np.int32)], 1)
        seen = np.pad(operated * (self.shown == element), 1).astype(np.uint8)
        inwards = cv2.distanceTransform(seen, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
        if not inwards.any():
            return None
        displacement = self.view.states.get(element, STILL)
        middle = front_centre(appliance.elements[element], displacement)
        wanted = self.view.pixels(middle[None])[0]
        rows, columns = np.nonzero(inwards >= _INNER_SHARE * min(_INNER_PIXELS, inwards.max()))
        pixels = np.stack([columns, rows], axis=1).astype(float)
        distances = np.linalg.norm(pixels - wanted, axis=1)
        near = pixels[distances.argmin()]
        return np.asarray(wanted if distances.min() < 1 else near)


@dataclass(frozen=True)
class Published:
    """Where a robot is told to act.

    Attributes:
        found: whether there is evidence that the demonstrated place is in view.
        point: [3] metres in the appliance's frame; None where depth does not tell.
        normal: [3] of the surface there; where it is not known, towards the camera.
        problem: why there is no point; '' where there is one.
    """

    found: bool
    point: np.ndarray | None
    normal: np.ndarray | None
    problem: str = ''

    def __post_init__(self) -> None:
        if (self.point is None) != (self.normal is None):
            raise ValueError('a point is published with a normal, or neither')


def plan_sightings(scene: Scene, size: tuple[int, int], count: int) -> list[View]:
    """Views of a robot's camera, as evenly spread around the appliance as may be.

    They are those of the scene's RGB-D bags: at 0.5 to 1 m, with every element in view.

    Args:
        scene: that is seen.
        size: (width, height) of the images.
        count: how many.
    """
    return list(plan_rgbd_scene(scene, size, _LAP_SECONDS, count / _LAP_SECONDS).views)


def see(renderer: Renderer, view: View, states: States, random: np.random.Generator) -> Sighting:
    """What a robot's camera sees of elements in a state."""
    renderer.set_room(view.lighting, view.surroundings)
    image = view.sensor.expose(renderer.render(view.camera, view.size, states=states), random)
    depth = renderer.depth(view.camera, view.size, states=states)
    shown = renderer.segment(view.camera, view.size, states=states)
    return Sighting(replace(view, states=states), image, depth, shown)


def publish(
    prediction: Prediction, sighting: Sighting, sensed: SensedDepth, settings: StreamSettings
) -> Published:
    """What the node publishes of the first image of a stream: its best peak in space.

    Args:
        prediction: of the model in the sighting's image.
        sighting: what is seen.
        sensed: its depth as the depth camera measures it.
        settings: of the stream.
    """
    spatial = _spatial_view(sighting, sensed)
    frame = _frame(sighting)
    result = GroundingStream().ground(frame, prediction, 'demonstration', spatial, settings)
    return _published(sighting.view.camera, result.surfaces[0], result.found)


def publish_pixel(
    pixel: np.ndarray | None, sighting: Sighting, sensed: SensedDepth, settings: StreamSettings
) -> Published:
    """What the node would publish were its best peak at a pixel, [2] (x, y), or nowhere."""
    if pixel is None:
        return Published(False, None, None, 'the element is hidden')
    peak = Peak(float(pixel[0]), float(pixel[1]), 1.0)
    spatial = _spatial_view(sighting, sensed)
    _, (surface,) = locate([peak], _frame(sighting), spatial, settings)
    return _published(sighting.view.camera, surface, found=True)


def _frame(sighting: Sighting) -> CameraFrame:
    return CameraFrame(sighting.image, 0, _FRAME)


def _spatial_view(sighting: Sighting, sensed: SensedDepth) -> SpatialView:
    depth = DepthImage(sensed.millimetres(), _FRAME, 0)
    return SpatialView(depth, _calibration(sighting.view), '')


def _published(camera: Camera, seen: SurfacePoint, found: bool) -> Published:
    surface = _from_optical(camera).surface(seen)
    if surface.position is None:
        return Published(found, None, None, surface.problem)
    normal = surface.normal
    if normal is None:
        toward = camera.position - surface.position
        normal = toward / np.linalg.norm(toward)
    return Published(found, surface.position, normal)


def viewpoint_degrees(first: Camera, second: Camera, point: np.ndarray) -> float:
    """The angle between the directions in which a point, [3], sees two cameras."""
    one, other = first.position - point, second.position - point
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _calibration(view: View) -> Calibration:
    factory = _factory()
    message = camera_info_message(factory, view, header_message(factory, 0, _FRAME))
    return Calibration.from_message(message, rectified=True)


@cache
def _factory() -> RosbagsMessages:
    return RosbagsMessages(get_typestore(Stores.LATEST))


def _from_optical(camera: Camera) -> RigidTransform:
    """From the camera's optical frame to the appliance's."""
    return RigidTransform(camera.rotation @ _OPTICAL, np.asarray(camera.position, float))
