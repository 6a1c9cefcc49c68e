# SPDX-License-Identifier: Apache-2.0
"""Messages of both libraries and a result, as for the tests of codecs."""

from __future__ import annotations

from ..messages.conftest import factory, rclpy_factory, result, rosbags_factory, typestore

__all__ = ['factory', 'rclpy_factory', 'result', 'rosbags_factory', 'typestore']
