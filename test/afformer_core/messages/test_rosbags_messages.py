# SPDX-License-Identifier: Apache-2.0
"""Fields, defaults and bytes of rosbags' messages, the same as those of rclpy's."""

import numpy as np
import pytest

from afformer_core.errors import AfformerError
from afformer_core.files import paths
from afformer_core.geometry.approach import Approach, ApproachSource
from afformer_core.geometry.grasp import GraspCandidate
from afformer_core.geometry.motion import MotionType, PartMotion
from afformer_core.messages.image_encoding import image_message, jpeg_message
from afformer_core.messages.rosbags_messages import affordance_typestore
from afformer_core.outputs.affordance import (
    PointGeometry,
    affordance_message,
    cloud_message,
    grasp_candidates_message,
)
from afformer_core.outputs.markers import marker_messages

from .conftest import NO_DEPTH, ON_TABLE, header_of

IMAGE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
LED = Approach(np.array([0.0, 0.28, 0.96]), ApproachSource.MOTION)
CANDIDATE = GraspCandidate(np.array([1.0, 2.0, 3.0]), np.array([0.5, -0.5, 0.5, 0.5]), 0.75)


def _affordance(factory, result):
    turned = PartMotion(MotionType.ROTATION, np.array([0.0, 0.0, 1.0]), '')
    unknown = PointGeometry(PartMotion.unknown('no depth is received'))
    geometries = [PointGeometry(turned, LED, CANDIDATE, CANDIDATE, 0.5)]
    geometries += [unknown] * (len(result.surfaces) - 1)
    base = header_of(factory, 'base')
    return affordance_message(factory, result, geometries, header_of(factory), base)


def _markers(factory, result):
    motions = [PartMotion(MotionType.ROTATION, np.array([0.0, 0.0, 1.0]), '')] * 2
    return marker_messages(
        factory, result, motions, header_of(factory), header_of(factory, 'base'), (48, 64)
    )


def _candidates(factory, result):
    return grasp_candidates_message(factory, [CANDIDATE], header_of(factory))


def _cloud(factory, result):
    cloud = np.arange(12, dtype=np.float32).reshape(3, 4)
    return cloud_message(factory, cloud, header_of(factory))


def _image(factory, result):
    return image_message(factory, IMAGE, 'rgb8', header_of(factory))


def _jpeg(factory, result):
    return jpeg_message(factory, IMAGE, header_of(factory))


MAKERS = {
    'afformer_ros/msg/Affordance': _affordance,
    'visualization_msgs/msg/MarkerArray': _markers,
    'geometry_msgs/msg/PoseArray': _candidates,
    'sensor_msgs/msg/PointCloud2': _cloud,
    'sensor_msgs/msg/Image': _image,
    'sensor_msgs/msg/CompressedImage': _jpeg,
}


def _fields(value, typestore):
    """A message as plain dictionaries and lists, whatever library it is of."""
    if hasattr(value, 'get_fields_and_field_types'):
        names = value.get_fields_and_field_types()
    elif hasattr(value, '__msgtype__'):
        names = [name for name, _ in typestore.fielddefs[value.__msgtype__][1]]
    elif isinstance(value, (str, int, float)):
        # What is no number differs from itself.
        return 'nan' if value != value else value
    else:
        items = value.tolist() if hasattr(value, 'tolist') else value
        return [_fields(item, typestore) for item in items]
    return {name: _fields(getattr(value, name), typestore) for name in names}


@pytest.mark.parametrize(('type_name', 'make'), MAKERS.items())
@pytest.mark.parametrize('surfaces', [(ON_TABLE, NO_DEPTH), (NO_DEPTH, NO_DEPTH)])
def test_both_libraries_send_the_same(
    typestore, rosbags_factory, rclpy_factory, result, type_name, make, surfaces
):
    from rclpy.serialization import deserialize_message, serialize_message

    recorded = make(rosbags_factory, result(surfaces, age=0.25))
    live = make(rclpy_factory, result(surfaces, age=0.25))
    assert _fields(recorded, typestore) == _fields(live, typestore)
    written = bytes(typestore.serialize_cdr(recorded, type_name))
    sent = serialize_message(live)
    # rclpy fills the gaps between fields with whatever was there; hence bytes are read to compare.
    assert len(written) == len(sent)
    assert _fields(deserialize_message(written, type(live)), typestore) == _fields(
        typestore.deserialize_cdr(sent, type_name), typestore
    )


@pytest.mark.parametrize(
    'type_name',
    [
        *MAKERS,
        'afformer_ros/msg/AffordancePoint',
        'afformer_ros/msg/DemonstrationStatus',
        'diagnostic_msgs/msg/DiagnosticArray',
        'geometry_msgs/msg/Pose',
        'geometry_msgs/msg/TransformStamped',
        'sensor_msgs/msg/CameraInfo',
        'visualization_msgs/msg/Marker',
    ],
)
def test_both_libraries_have_the_same_defaults(
    typestore, rosbags_factory, rclpy_factory, type_name
):
    recorded, live = (one.create(type_name) for one in (rosbags_factory, rclpy_factory))
    assert _fields(recorded, typestore) == _fields(live, typestore)


def test_defaults_are_not_shared(rosbags_factory):
    first, second = (rosbags_factory.create('geometry_msgs/msg/PoseArray') for _ in range(2))
    first.poses.append(rosbags_factory.create('geometry_msgs/msg/Pose'))
    first.header.frame_id = 'camera'
    assert (second.poses, second.header.frame_id) == ([], '')


def test_a_field_that_does_not_exist_is_named(factory):
    with pytest.raises(TypeError, match='colour'):
        factory.create('geometry_msgs/msg/Point', colour=1)


def test_a_type_that_does_not_exist_is_named(rosbags_factory):
    with pytest.raises(AfformerError, match="no message type 'geometry_msgs/msg/Pint'"):
        rosbags_factory.create('geometry_msgs/msg/Pint')


def test_a_sourced_workspace_has_the_definitions(tmp_path, root, monkeypatch):
    folder = tmp_path / 'share' / 'afformer_ros' / 'msg'
    folder.mkdir(parents=True)
    for path in (root / 'msg').glob('*.msg'):
        (folder / path.name).write_text(path.read_text())
    monkeypatch.setattr(paths, '__file__', str(tmp_path / 'a' / 'b' / 'c.py'))
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'/nowhere:{tmp_path}')
    assert 'afformer_ros/msg/Affordance' in affordance_typestore().fielddefs


def test_missing_definitions_are_reported_with_where_they_were_sought(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, '__file__', str(tmp_path / 'a' / 'b' / 'c.py'))
    monkeypatch.setenv('AMENT_PREFIX_PATH', '/nowhere')
    with pytest.raises(AfformerError, match='/nowhere/share/afformer_ros/msg'):
        affordance_typestore()


def test_arrays_have_the_types_of_their_definitions(rosbags_factory):
    identifier = rosbags_factory.create('unique_identifier_msgs/msg/UUID').uuid
    assert (identifier.dtype, identifier.shape) == (np.uint8, (16,))
    camera = rosbags_factory.create('sensor_msgs/msg/CameraInfo')
    assert (camera.k.dtype, camera.k.shape, camera.d.shape) == (np.float64, (9,), (0,))
    image = rosbags_factory.create('sensor_msgs/msg/Image')
    assert (image.data.dtype, image.data.shape, image.height, image.encoding) == (
        np.uint8, (0,), 0, '',
    )  # fmt: skip
