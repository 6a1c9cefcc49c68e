# SPDX-License-Identifier: Apache-2.0
"""Films of the demo: demonstrations beside overlays, and those that a simulated arm repeats.

All images are uint8 RGB [H, W, 3].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState

from afformer_core.messages.image_decoding import to_rgb
from afformer_ros.action import OperateElement
from afformer_ros.driver.grounding_driver import NodeError, NodeProcesses
from afformer_ros.robot_trials.robot_graph import RobotGraph
from afformer_ros.robot_trials.trial_scene import TrialScene
from afformer_ros.robot_trials.trials import NAME, repeat, show
from afformer_sim.closed_loop.dynamics import PART_FRICTION
from afformer_sim.closed_loop.trial import ClosedLoopSettings, plan_trials

RgbImage = NDArray[np.uint8]

_BACKGROUND = (24, 26, 30)
_TEXT = (235, 235, 235)
_FAINT = (165, 170, 178)
_MARGIN = 16
# Height of a bar with one line of label.
_LABEL_HEIGHT = 32


def grounding_film_frame(
    clip: RgbImage, overlay: RgbImage, title: str, result: str = ''
) -> RgbImage:
    """Compose a frame of the demonstration beside an overlay; see `robot_film_frame`."""
    height = overlay.shape[0]
    shown = _at_height(clip, round(height * 0.6))
    left = np.full((height, shown.shape[1], 3), _BACKGROUND, np.uint8)
    top = (height - shown.shape[0]) // 2
    left[top : top + shown.shape[0]] = shown
    return _film_frame(left, overlay, title, result)


def robot_film_frame(clip: RgbImage, view: FilmImages, title: str, result: str) -> RgbImage:
    """Compose the spectator's view and the overlay, with the demonstration in a corner.

    Args:
        clip: frame of the demonstration.
        view: images of the arm and of the robot's camera.
        title: description of the task.
        result: result so far.

    Returns:
        a frame with even sides, of one size for images of one size.
    """
    height = view.spectator.shape[0]
    left = view.spectator.copy()
    inset = _at_height(clip, height // 3)
    left[8 : 8 + inset.shape[0], 8 : 8 + inset.shape[1]] = inset
    right = _at_height(view.overlay, height - _LABEL_HEIGHT)
    bar = _text_bar(right.shape[1], [(view.label, _FAINT, 15)], 0)
    return _film_frame(left, np.concatenate([bar, right]), title, result)


def same_size(images: Iterable[RgbImage], size: tuple[int, int]) -> Iterator[RgbImage]:
    """Resize each image to fit into (width, height), centred."""
    width, height = size
    for image in images:
        scale = min(width / image.shape[1], height / image.shape[0])
        inner = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        fitted = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
        canvas = np.full((height, width, 3), _BACKGROUND, np.uint8)
        top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
        canvas[top : top + inner[1], left : left + inner[0]] = fitted
        yield canvas


def _film_frame(left: RgbImage, right: RgbImage, title: str, result: str) -> RgbImage:
    gap = np.full((left.shape[0], _MARGIN, 3), _BACKGROUND, np.uint8)
    body = np.concatenate([left, gap, right], axis=1)
    head = _text_bar(body.shape[1], [(title, _TEXT, 22), (result or ' ', _FAINT, 18)])
    image = np.concatenate([head, body])
    return image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]


def _at_height(image: RgbImage, height: int) -> RgbImage:
    width = round(image.shape[1] * height / image.shape[0])
    shrinks = height < image.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)


def _text_bar(
    width: int, lines: list[tuple[str, tuple[int, int, int], int]], margin: int = _MARGIN
) -> RgbImage:
    height = 10 + sum(round(size * 1.45) for _, _, size in lines)
    bar = PillowImage.new('RGB', (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(bar)
    top = 6
    for text, colour, size in lines:
        font = ImageFont.load_default(size)
        while size > 9 and draw.textlength(text, font) > width - 2 * margin:
            size -= 1
            font = ImageFont.load_default(size)
        draw.text((margin, top), text, colour, font)
        top += round(size * 1.45)
    return np.asarray(bar, np.uint8)


FILM_RATE = 4.0
# Images per second of the robot's time; the film runs at twice that.
_IMAGE_RATE = 2.0
# Scenes of the benchmark with held-out textures, and the friction of their parts in newtons: a
# button, a drawer that sticks, and a door.
_SCENES = {0: PART_FRICTION, 2: 30.0, 16: PART_FRICTION}
# Number of frames for which the film shows the result.
_STILLS = 8
# Radians or metres below which the arm counts as still.
_STILL = 0.02
_SEEN = {
    True: 'the camera sees that it is done',
    False: 'the camera sees that it is not done',
    None: 'the camera does not see whether it is done',
}
_LIVE, _FROZEN = "grounded by the robot's camera", 'grounded before the arm moved'


@dataclass(frozen=True)
class FilmImages:
    """The images at one time.

    Attributes:
        spectator: image of the spectator, uint8 RGB [H, W, 3].
        overlay: newest overlay at that time, or the last one before the arm moved.
        moved: whether the arm had already moved.
        step: last step that the planner had begun, for a person; empty before the first one.
    """

    spectator: RgbImage
    overlay: RgbImage
    moved: bool
    step: str = ''

    @property
    def label(self) -> str:
        """Caption of the overlay."""
        return _FROZEN if self.moved else _LIVE


class Views:
    """All views so far; the executor's thread adds them.

    The arm hides the element and changes its state, so later overlays do not show the point at
    which the arm acted.

    Attributes:
        seen: a view for each image of the spectator.
    """

    def __init__(self) -> None:
        self.seen: list[FilmImages] = []
        self.clear()

    def clear(self) -> None:
        """Remove all views."""
        self.seen.clear()
        self._overlay: RgbImage | None = None
        self._parked: dict[str, float] | None = None
        self._moved = False
        self._step = ''

    def take_joints(self, message: JointState) -> None:
        """Detect motion of the arm."""
        positions = dict(zip(message.name, message.position, strict=True))
        if self._parked is None:
            self._parked = positions
        before = self._parked
        self._moved |= any(abs(positions[name] - before[name]) > _STILL for name in before)

    def take_spectator(self, message: Image) -> None:
        """Add an image of the spectator."""
        image = to_rgb(message)
        overlay = np.zeros_like(image) if self._overlay is None else self._overlay
        self.seen.append(FilmImages(image, overlay, self._moved, self._step))

    def take_overlay(self, message: Image) -> None:
        """Set the overlay of later images of the spectator, unless the arm has moved."""
        if not self._moved:
            self._overlay = to_rgb(message)

    def take_step(self, feedback: OperateElement.Feedback) -> None:
        """Set the step of later images."""
        looking_again = feedback.step == OperateElement.Feedback.LOOKING_AGAIN
        step = 'looking again' if looking_again else feedback.message
        self._step = f'attempt {feedback.attempt}: {step}'


def repeat_with_arm(
    folder: Path, processes: NodeProcesses, model: str
) -> Iterator[tuple[str, list[RgbImage]]]:
    """Let a simulated arm repeat a press, a pull and a push, one after the other.

    Args:
        folder: folder for the logs and the node's store.
        processes: processes of the nodes.
        model: folder of the model; empty for the shipped one.

    Yields: description of each task and its result, and frames of the film, uint8 RGB [H, W, 3],
        none if an answer is missing.

    Raises:
        NodeError: a node ends.
    """
    settings = ClosedLoopSettings()
    robot = {'image_rate': _IMAGE_RATE, 'real_time_factor': 6.0, 'depth_noise': settings.noise}
    views = Views()
    with closing(RobotGraph(folder, processes, model, robot)) as graph:
        for kind, topic, take in (
            (Image, 'spectator', views.take_spectator),
            (Image, 'overlay', views.take_overlay),
            (JointState, 'joint_states', views.take_joints),
        ):
            graph.node.create_subscription(kind, topic, take, qos_profile_sensor_data)
        graph.bring_up()
        for index, friction in _SCENES.items():
            try:
                yield _repeat(graph, settings, index, views, friction)
            except NodeError as error:
                # On a busy computer, an answer may come too late; the other tasks are kept.
                processes.check()
                yield f'scene {index} is not repeated: {error}', []


def _repeat(
    graph: RobotGraph, settings: ClosedLoopSettings, index: int, views: Views, friction: float
) -> tuple[str, list[RgbImage]]:
    trial = plan_trials(settings, index)[0]
    kind = trial.scene.fixture.elements[trial.task.element].kind
    title = f'{trial.task.action} the {kind}'
    with closing(TrialScene(trial, settings)) as scene:
        clip = scene.clip()
        show(graph, scene)
    graph.begin(scene=index, part_friction=friction)
    views.clear()
    attempt = repeat(graph, trial.task.action, 3, report=views.take_step)
    graph.succeed('delete_demonstration', name=NAME)
    result = 'done' if attempt.done else f'not done: {attempt.verdict}'
    if not (seen := list(views.seen)):
        raise NodeError('no image of the spectator has arrived')
    film = [
        robot_film_frame(clip[2 * frame % len(clip)], view, title, view.step)
        for frame, view in enumerate(seen)
    ]
    number = f'Attempt {attempt.attempts}'
    text = f'{number}: {attempt.said}. By the state of the simulator it is {result}.'
    last = seen[-1]
    short = f'{number}: {_SEEN[attempt.seen]}. By the simulator it is {result}.'
    film += [robot_film_frame(clip[-1], last, title, short)] * _STILLS
    return f'{title}\n  {text}', film
