# SPDX-License-Identifier: Apache-2.0
"""The examples, each run as its first lines say, on small files."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from afformer_ros.msg import ActionScore, Affordance, AffordancePoint
from geometry_msgs.msg import Point, Vector3

from afformer_core.example_pairs.pair_folder import real_pairs
from afformer_sim.datasets.rgbd_bag import RgbdBagSettings, write_rgbd_bag
from test.waiting import PATIENCE

# The lower of two knobs is turned; the pixel of its middle in the image.
KNOB = real_pairs()[1]
KNOB_PIXEL = (252, 79)
PRINTED = 'press at (0.100, -0.200, 0.800) m along (0.60, 0.00, 0.80) in base_link\n'


@pytest.fixture(scope='module')
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demonstration of eight frames, then three images with depth."""
    folder = tmp_path_factory.mktemp('bags') / 'recording'
    settings = RgbdBagSettings(seed=7, size=(160, 120), seconds=0.1, demonstration_frames=8)
    list(write_rgbd_bag(folder, settings))
    return folder / 'bag'


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """`videos/press.mp4`, a real demonstration, and `panel.jpg` of the same object."""
    (tmp_path / 'videos').mkdir()
    shutil.copy(KNOB.video, tmp_path / 'videos' / 'press.mp4')
    shutil.copy(KNOB.image, tmp_path / 'panel.jpg')
    return tmp_path


def run(root: Path, folder: Path, name: str, *arguments: Path | str) -> str:
    """What the example prints in a folder."""
    command = [sys.executable, str(root / 'examples' / name), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize('page', ['README.md', 'docs/quickstart.md'])
def test_the_lines_of_python_on_a_page_ground(
    root: Path,
    files: Path,
    page: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (files / 'videos' / 'press.mp4').rename(files / 'press.mp4')
    monkeypatch.chdir(files)
    (lines,) = re.findall(r'^```python\n(.*?)^```$', (root / page).read_text(), re.M | re.S)
    exec(lines, {})
    said = capsys.readouterr().out
    u, v = map(float, re.fullmatch(r'unknown \((\d+\.\d+), (\d+\.\d+)\)\n', said).groups())
    assert (u, v) == pytest.approx(KNOB_PIXEL, abs=8)
    assert cv2.imread('answer.png').shape == (208, 270, 3)


def test_two_files_give_an_action_and_an_overlay(root: Path, files: Path) -> None:
    overlay = files / 'overlay.png'
    given = files / 'videos' / 'press.mp4', files / 'panel.jpg'
    said = run(root, files, 'ground_two_files.py', *given, overlay)
    scores = [float(text) for text in re.findall(r'^[a-z ]+: ([\d.]+)$', said, re.MULTILINE)]
    assert len(scores) == 7
    assert sum(scores) == pytest.approx(1, abs=0.04)
    u, v = re.search(r'^peak at \((\d+), (\d+)\), score 0\.\d\d$', said, re.MULTILINE).groups()
    assert (int(u), int(v)) == pytest.approx(KNOB_PIXEL, abs=8)
    assert (cv2.imread(str(overlay)) != cv2.imread(str(KNOB.image))).any()


def test_the_notebook_shows_what_it_computes(root: Path, tmp_path: Path) -> None:
    notebook = root / 'examples' / 'ground_two_files.ipynb'
    run(root, tmp_path, '../test/examples/run_notebook.py', notebook, tmp_path / 'executed.ipynb')
    assert notebook.stat().st_size < 400_000
    texts, images = outputs_of(notebook)
    found_texts, found_images = outputs_of(tmp_path / 'executed.ipynb')
    assert found_texts == texts
    assert len(images) == 2
    assert all(cv2.absdiff(*pair).mean() < 2 for pair in zip(images, found_images, strict=True))


def outputs_of(notebook: Path) -> tuple[str, list[np.ndarray]]:
    """What the cells of a notebook print, with whole numbers, and the images that they show."""
    cells = json.loads(notebook.read_text())['cells']
    outputs = [output for cell in cells for output in cell.get('outputs', ())]
    printed = ''.join(line for output in outputs for line in output.get('text', ()))
    coded = [output['data']['image/jpeg'] for output in outputs if 'data' in output]
    images = [cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), 1) for one in coded]
    return re.sub(r'\.\d+', '', printed), images


def test_the_planner_prints_the_first_candidate(root: Path) -> None:
    known = {
        'position_valid': True,
        'position': Point(x=0.1, y=-0.2, z=0.8),
        'approach': Vector3(x=0.6, y=0.0, z=0.8),
    }
    affordance = Affordance(
        found=True,
        action='press',
        actions=[ActionScore(name='press', score=1.0)],
        points=[AffordancePoint(score=0.5), AffordancePoint(score=0.25, **known)],
        position_frame='base_link',
    )
    covered = Affordance(found=True, age=0.5, points=affordance.points)
    program = [sys.executable, str(root / 'examples' / 'pick_first_candidate.py')]
    command = [*program, '--ros-args', '-r', 'affordance:=camera/affordance']

    context = rclpy.Context()
    rclpy.init(context=context)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as planner:
        node = rclpy.create_node('source', context=context)
        publisher = node.create_publisher(Affordance, 'camera/affordance', 5)
        for _ in range(round(5 * PATIENCE)):
            publisher.publish(covered)
            publisher.publish(affordance)
            with suppress(subprocess.TimeoutExpired):
                planner.wait(0.2)
                break
        planner.kill()
        assert planner.stdout is not None
        assert planner.stdout.read() == PRINTED
    rclpy.shutdown(context=context)
    assert planner.returncode == 0


def test_a_replay_is_plotted(root: Path, bag: Path, tmp_path: Path) -> None:
    pytest.importorskip('matplotlib', reason='matplotlib is not installed')
    said = run(root, tmp_path, 'replay_and_plot.py', bag, tmp_path / 'replay', '--whole')
    assert re.search(r'found in \d of 3 images', said), said
    chart = cv2.imread(str(tmp_path / 'replay' / 'presence.png'))
    assert chart.shape == (300, 800, 3)
    # matplotlib's first colour, in BGR: the line of presence.
    assert (chart == (180, 119, 31)).all(axis=2).sum() > 100


def test_clips_are_mined_from_a_folder(root: Path, files: Path) -> None:
    hands = '[{"time": 0.3, "hands": [{"box": [9, 9, 30, 30], "contact": true}]}]'
    (files / 'videos' / 'press.hands.json').write_text(hands)
    options = '--detector=simulated', '--processes=1', '--rate=10', '--clip-frames=4', '--stride=4'
    said = run(root, files, 'mine_folder.py', files / 'videos', files / 'mined', *options)
    assert re.search(r'videos/press\.mp4: 0\.\d to 0\.\d s$', said, re.MULTILINE), said
