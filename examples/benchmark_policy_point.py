# SPDX-License-Identifier: Apache-2.0
"""The point of a policy as a system for `afformer benchmark run`.

A policy that moves a gripper names no point in the image. Its point is where the gripper first
closes, projected into the image; if it never closes, where it comes closest to its goal, the last
position. The policy is a function that you name as `module:function`:

    def policy(frames, image, camera_matrix):
        '''Return 'positions' [N, 3] in metres in the frame of the camera (x right, y down,
        z forward), and 'gripper' [N], its opening from 0 (closed) to 1.'''

    afformer benchmark run 'python examples/benchmark_policy_point.py --policy my_policy:policy'
        demonstration_to_image

`frames` is uint8 RGB [T, H, W, 3], `image` uint8 RGB [H, W, 3]. The images of the benchmark come
without calibration: `camera_matrix` is that of a lens with the given field of view.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Policy = Callable[[np.ndarray, np.ndarray, np.ndarray], Mapping[str, Any]]
CLOSED = 0.5


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--policy', required=True, metavar='MODULE:FUNCTION')
    parser.add_argument(
        '--field-of-view',
        type=float,
        default=69.0,
        help='horizontal field of view in degrees (default: 69)',
    )
    parser.add_argument('questions', type=Path)
    parser.add_argument('answers', type=Path)
    return parser.parse_args()


def load_policy(name: str) -> Policy:
    """Import `module:function`, also from the current folder."""
    module, _, function = name.partition(':')
    sys.path.insert(0, str(Path.cwd()))
    policy: Policy = getattr(importlib.import_module(module), function)
    return policy


def camera_matrix(width: int, height: int, field_of_view: float) -> np.ndarray:
    """Build the matrix [3, 3] of a lens without distortion."""
    focal = width / 2 / np.tan(np.radians(field_of_view) / 2)
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])


def policy_point(moved: Mapping[str, Any], matrix: np.ndarray) -> list[float] | None:
    """Project the position at which the gripper first closes; None behind the camera."""
    positions = np.asarray(moved['positions'], np.float64)
    gripper = np.asarray(moved['gripper'], np.float64)
    closes = np.flatnonzero((gripper[1:] < CLOSED) & (gripper[:-1] >= CLOSED))
    x, y, z = positions[closes[0] + 1 if len(closes) else -1]
    if z <= 0:
        return None
    u, v, _ = matrix @ (x / z, y / z, 1.0)
    return [float(u), float(v)]


def read_image(path: Path) -> np.ndarray:
    """Read an image, RGB.

    Raises:
        ValueError: it cannot be read.
    """
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f'{path} is no image')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_clip(path: Path) -> np.ndarray:
    """Read all frames of a clip, uint8 RGB [T, H, W, 3]."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    return np.stack(frames)


def main() -> None:
    """Answer a folder of questions."""
    arguments = parse_arguments()
    policy = load_policy(arguments.policy)
    answers = {}
    for question in json.loads((arguments.questions / 'questions.json').read_text()):
        if 'image' not in question:
            continue
        image = read_image(arguments.questions / question['image'])
        matrix = camera_matrix(image.shape[1], image.shape[0], arguments.field_of_view)
        moved = policy(read_clip(arguments.questions / question['clip']), image, matrix)
        point = policy_point(moved, matrix)
        answers[question['id']] = {'points': [] if point is None else [point]}
    arguments.answers.write_text(json.dumps(answers))


if __name__ == '__main__':
    main()
