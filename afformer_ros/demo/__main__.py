# SPDX-License-Identifier: Apache-2.0
"""The command of the demo, which grounds demonstrations in camera images over ROS 2.

python -m afformer_ros.demo --video demonstration.mp4 --image camera.jpg
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.media.video import read_video, write_video
from afformer_core.runtime.grounding import UNKNOWN_ACTION
from afformer_ros.demo.scenes import CAMERA_RATE, DemoScene, example_scenes, given_scene
from afformer_ros.driver.grounding_driver import NodeError, NodeProcesses
from afformer_ros.environment import run_apart

if TYPE_CHECKING:
    from afformer_ros.demo.graph import DemoGraph

RgbImage = NDArray[np.uint8]

# Set in addition to the exception, which is lost if a handler raises it while an object is
# deleted.
_INTERRUPTED = threading.Event()

# Folder with the files of rendered scenes, and all results of the demo.
_SCENES = 'scenes'
# Folder with the logs of the nodes after a failure.
_LOGS = 'logs'
_KEPT = ('overlay.mp4', 'robot.mp4', _SCENES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return its exit status."""
    options = _parser().parse_args(arguments)
    if (options.video is None) != (options.image is None):
        print(
            'afformer: error: only one of --video and --image was given; expected both or none',
            file=sys.stderr,
        )
        return 2
    signal.signal(signal.SIGINT, _interrupt)
    return run_apart('the demo', partial(_run, options))


def _interrupt(*_: object) -> None:
    _INTERRUPTED.set()
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m afformer_ros.demo',
        description='Start a ROS 2 graph with a player and the grounding node, ground '
        'demonstrations in camera images, let a simulated arm repeat some of them, and write '
        'films.',
        epilog='example: python -m afformer_ros.demo --video press.mp4 --image machine.jpg',
    )
    parser.add_argument('--video', type=Path, help='demonstration video (default: examples)')
    parser.add_argument(
        '--image', type=Path, help='camera image in which to ground the demonstration'
    )
    parser.add_argument(
        '--output',
        type=Path,
        default=Path('demo_output'),
        help='folder for the results (default: demo_output)',
    )
    parser.add_argument('--model', default='', help='model folder (default: the shipped model)')
    return parser


def _run(options: argparse.Namespace) -> None:
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='.making.', dir=options.output) as making:
        folder = Path(making)
        logs = options.output / _LOGS
        shutil.rmtree(logs, ignore_errors=True)
        try:
            _ground_scenes(options, folder)
        except NodeError as error:
            _keep_results(folder, options.output)
            logs.mkdir()
            for log in folder.rglob('*.log'):
                shutil.copy(log, logs)
            raise NodeError(f'{error}\nThe logs of the nodes are in {logs}.') from error
        if _INTERRUPTED.is_set():
            raise KeyboardInterrupt
        _keep_results(folder, options.output)


def _keep_results(folder: Path, output: Path) -> None:
    """Move what is finished to the output folder, and print it."""
    kept = [name for name in _KEPT if (folder / name).exists()]
    for name in kept:
        # a result of the previous run
        if (output / name).is_dir():
            shutil.rmtree(output / name)
        os.replace(folder / name, output / name)
    if kept:
        print('\nresults:')
    for name in kept:
        print(f'  {output / name}')


def _scenes(options: argparse.Namespace, folder: Path) -> list[DemoScene]:
    if options.video is not None:
        print(f'reading {options.video} and {options.image} ...', flush=True)
        return [given_scene(folder, options.video, options.image)]
    print(
        'reading two real hands, and a rendered one in a scene that training has not seen ...',
        flush=True,
    )
    scenes = folder / _SCENES
    scenes.mkdir()
    return list(example_scenes(scenes))


def _ground_scenes(options: argparse.Namespace, folder: Path) -> None:
    # ROS is imported only after its environment variables are set.
    from afformer_ros.demo.graph import DemoGraph

    film: list[RgbImage] = []
    with (
        NodeProcesses(folder) as processes,
        closing(DemoGraph(folder, processes, options.model)) as graph,
    ):
        # The node starts while the scenes are read.
        scenes = _scenes(options, folder)
        graph.bring_up()
        for scene in scenes:
            print(f'\n{scene.title}', flush=True)
            try:
                film += _ground(graph, scene)
            except NodeError as error:
                # On a busy computer, an answer may come too late; the other scenes are kept.
                processes.check()
                print(f'  not grounded: {error}', flush=True)
    if not film:
        raise NodeError('no scene was grounded')
    _write_film(folder / 'overlay.mp4', film, CAMERA_RATE)
    if options.video is None:
        _repeat_with_arm(folder, options.model)


def _ground(graph: DemoGraph, scene: DemoScene) -> list[RgbImage]:
    """Ground a scene and print the result; return frames of the film."""
    from afformer_ros.demo.robot_film import grounding_film_frame

    path = str(scene.demonstration)
    loaded = graph.succeed('load_demonstration', path=path, name=scene.name)
    print(f'  demonstration: {loaded.message}', flush=True)
    seen = graph.ground_all(scene.camera, scene.name)
    result = _describe(seen[0], scene)
    print(f'  {result}', flush=True)
    age = np.median([view.age for view in seen])
    late = f'each published {age:.0f} ms (median) after its stamp'
    print(f'  moving camera: {len(seen)} images grounded, {late}', flush=True)
    frames = list(read_video(scene.demonstration, 24))
    return [
        grounding_film_frame(frames[number % len(frames)], view.overlay, scene.title, result)
        for number, view in enumerate(seen)
    ]


def _repeat_with_arm(folder: Path, model: str) -> None:
    """Let a simulated arm repeat demonstrations, and write the film."""
    from afformer_ros.demo.robot_film import FILM_RATE, repeat_with_arm

    print('\na simulated arm repeats what it is shown ...', flush=True)
    film: list[RgbImage] = []
    work = folder / 'robot'
    work.mkdir()
    with NodeProcesses(work) as processes:
        for text, frames in repeat_with_arm(work, processes, model):
            print(f'  {text}', flush=True)
            film += frames
    if film:
        _write_film(folder / 'robot.mp4', film, FILM_RATE)


def _write_film(path: Path, film: list[RgbImage], rate: float) -> None:
    from afformer_ros.demo.robot_film import same_size

    height, width = film[0].shape[:2]
    write_video(path, same_size(film, (width, height)), rate)


def _describe(result: Any, scene: DemoScene) -> str:
    affordance = result.affordance
    if not affordance.found:
        measures = (
            f'confidence {affordance.confidence:.2f}, '
            f'feature similarity {affordance.feature_similarity:.2f}'
            if math.isnan(affordance.presence)
            else f'presence {affordance.presence:.2f}, below the threshold '
            f'{affordance.presence_threshold:.2f}'
        )
        return f'nothing found: {measures}; the heatmap is shown in grey'
    best, action = affordance.points[0], affordance.actions[0]
    x, y = ((at + 0.5) * by - 0.5 for at, by in zip((best.u, best.v), scene.scale, strict=True))
    known = affordance.action != UNKNOWN_ACTION
    shown = f'{action.name} {action.score:.2f}' if known else 'act'
    text = f'{shown} at pixel ({x:.0f}, {y:.0f}), confidence {affordance.confidence:.2f}'
    if affordance.unsure:
        text += (
            f', not sure which part: certainty {affordance.certainty:.2f}, at least '
            f'{affordance.certainty_threshold:.2f} is needed'
        )
    if scene.outline is None:
        return text
    polygon = scene.outline.astype(np.float32)
    inside = cv2.pointPolygonTest(polygon, (float(best.u), float(best.v)), False) >= 0
    text = f'{text}, {"inside" if inside else "outside"} the demonstrated element'
    differs = known and action.name != scene.action
    return f'{text}, whose action is {scene.action}' if differs else text


if __name__ == '__main__':
    sys.exit(main())
