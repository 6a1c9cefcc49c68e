# SPDX-License-Identifier: Apache-2.0
"""cv_bridge as the converter of image colours, if it is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from afformer_core.messages.colour_conversion import PlainImage, use_converter


def use_cv_bridge(report: Callable[[str], object]) -> bool:
    """Let cv_bridge convert the images of this process, if it is installed and works.

    Args:
        report: called with the reason if it is installed but does not work.

    Returns:
        whether cv_bridge is used; otherwise rosbags-image gives the same result.
    """
    if find_spec('cv_bridge') is None:
        return False
    try:
        from cv_bridge import CvBridge

        convert = CvBridge().imgmsg_to_cv2
        convert(PlainImage('bgr8', np.zeros((1, 1, 3), np.uint8)), 'rgb8')
    # Its C++ code is built for one major release of NumPy and OpenCV, and fails with another.
    except (AttributeError, ImportError, SystemError, TypeError) as error:
        report(
            f'cv_bridge is installed, but does not work here ({error}); rosbags-image converts '
            'images. Install the NumPy and OpenCV that it was built for'
        )
        return False
    use_converter(convert)
    return True
