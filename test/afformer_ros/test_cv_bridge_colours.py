# SPDX-License-Identifier: Apache-2.0
"""The choice of cv_bridge: where it is installed and works."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from afformer_core.messages import colour_conversion
from afformer_core.messages.colour_conversion import PlainImage, convert_colours
from afformer_ros.cv_bridge_colours import use_cv_bridge

PIXELS = np.array([[[30, 20, 10]]], np.uint8)


@pytest.fixture(autouse=True)
def rosbags_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colour_conversion, '_converter', colour_conversion.rosbags_converter)


def install(monkeypatch: pytest.MonkeyPatch, convert: Any) -> None:
    """A package cv_bridge whose bridge converts so."""
    package = ModuleType('cv_bridge')
    package.__spec__ = ModuleSpec('cv_bridge', None)
    bridge = type('CvBridge', (), {'imgmsg_to_cv2': convert})
    monkeypatch.setattr(package, 'CvBridge', bridge, raising=False)
    monkeypatch.setitem(sys.modules, 'cv_bridge', package)


def test_what_is_installed_converts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int, int, int, int]] = []

    def convert(self: Any, message: Any, desired_encoding: str = 'passthrough') -> Any:
        fields = message.height, message.width, message.step, message.is_bigendian
        asked.append((f'{message.encoding} to {desired_encoding}', *fields))
        return np.ascontiguousarray(message.data[..., ::-1])

    install(monkeypatch, convert)
    assert use_cv_bridge(pytest.fail)
    assert convert_colours(PlainImage('bgr8', PIXELS), 'rgb8').tolist() == [[[10, 20, 30]]]
    assert asked[-1] == ('bgr8 to rgb8', 1, 1, 3, int(sys.byteorder == 'big'))


def test_one_that_does_not_work_here_is_told_and_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: Any, message: Any, desired_encoding: str = 'passthrough') -> Any:
        raise ImportError('numpy.core.multiarray failed to import')

    install(monkeypatch, fail)
    told: list[str] = []
    assert not use_cv_bridge(told.append)
    assert 'does not work here (numpy.core.multiarray failed to import)' in told[0]
    assert convert_colours(PlainImage('bgr8', PIXELS), 'rgb8').tolist() == [[[10, 20, 30]]]


def test_without_it_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('afformer_ros.cv_bridge_colours.find_spec', lambda name: None)
    assert not use_cv_bridge(pytest.fail)


def test_pixels_that_are_no_plain_image() -> None:
    with pytest.raises(ValueError, match=r'shape \(1, 3\) are not a plain image'):
        PlainImage('mono8', PIXELS[0])
