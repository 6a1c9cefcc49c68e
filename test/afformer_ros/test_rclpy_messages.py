# SPDX-License-Identifier: Apache-2.0
from array import array

import numpy as np
import pytest
from sensor_msgs.msg import Image

from afformer_ros.rclpy_messages import RclpyMessages


def test_bytes_have_the_type_that_is_not_checked_one_by_one():
    data = np.arange(6, dtype=np.uint8).reshape(2, 3)[:, ::2]
    message = RclpyMessages().create('sensor_msgs/msg/Image', width=4, data=data)
    assert isinstance(message, Image)
    assert (message.width, message.data) == (4, array('B', [0, 2, 3, 5]))


def test_arrays_of_fixed_length_stay_as_they_are():
    k = np.arange(9, dtype=np.float64)
    message = RclpyMessages().create('sensor_msgs/msg/CameraInfo', k=k)
    np.testing.assert_array_equal(message.k, k)


def test_services_have_messages_too():
    request = RclpyMessages().create('lifecycle_msgs/srv/GetState_Request')
    assert type(request).__name__ == 'GetState_Request'


def test_a_type_that_does_not_exist_is_named():
    with pytest.raises(AttributeError, match='Pint'):
        RclpyMessages().create('geometry_msgs/msg/Pint')


def test_a_field_that_does_not_exist_is_named():
    with pytest.raises(TypeError, match='has no field colour; expected x, y, z'):
        RclpyMessages().create('geometry_msgs/msg/Point', colour=1)
