# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from afformer_core.outputs.affordance import cloud_message

from ..messages.conftest import header_of


def test_the_layout_of_a_cloud(factory):
    cloud = np.array([[1, 2, 3, 0.5], [4, 5, 6, 1]], np.float32)
    message = cloud_message(factory, cloud, header_of(factory))
    fields = [(field.name, field.offset, field.datatype, field.count) for field in message.fields]
    assert fields == [('x', 0, 7, 1), ('y', 4, 7, 1), ('z', 8, 7, 1), ('weight', 12, 7, 1)]
    assert (message.height, message.width) == (1, 2)
    assert (message.point_step, message.row_step) == (16, 32)
    assert (message.is_bigendian, message.is_dense) == (False, True)
    assert message.header == header_of(factory)


def test_the_points_of_a_cloud(factory):
    cloud = np.arange(32, dtype=np.float32).reshape(4, 8)[::2, ::2]
    message = cloud_message(factory, cloud, header_of(factory))
    data = np.frombuffer(message.data, '<f4').reshape(-1, 4)
    np.testing.assert_array_equal(data, [[0, 2, 4, 6], [16, 18, 20, 22]])


def test_a_cloud_without_points(factory):
    message = cloud_message(factory, np.zeros((0, 4), np.float32), header_of(factory))
    assert (message.height, message.width, message.row_step, len(message.data)) == (1, 0, 0, 0)
    assert len(message.fields) == 4


@pytest.mark.parametrize(
    'cloud', [np.zeros((2, 3), np.float32), np.zeros((2, 4)), np.zeros(4, np.float32)]
)
def test_arrays_that_are_no_clouds(rosbags_factory, cloud):
    with pytest.raises(ValueError, match=r'expected float32 \[N, 4\]'):
        cloud_message(rosbags_factory, cloud, header_of(rosbags_factory))
