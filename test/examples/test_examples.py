# SPDX-License-Identifier: Apache-2.0
"""The examples, each run as its first lines say, on small files."""

from __future__ import annotations

import re
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

from afformer_core.media.bag import Bag
from afformer_core.media.images import write_image
from afformer_core.media.video import write_video
from afformer_sim.datasets.rgbd_bag import RgbdBagSettings, write_rgbd_bag

# Seconds that the planner may take to start and to hear a message.
PATIENCE = 60
PRINTED = 'press at (0.100, -0.200, 0.800) m along (0.60, 0.00, 0.80) in base_link\n'


@pytest.fixture(scope='module')
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demonstration of eight frames, then three images with depth."""
    folder = tmp_path_factory.mktemp('bags') / 'recording'
    settings = RgbdBagSettings(seed=7, size=(160, 120), seconds=0.1, demonstration_frames=8)
    list(write_rgbd_bag(folder, settings))
    return folder / 'bag'


def images(bag: Path, topic: str) -> np.ndarray:
    """uint8 [N, H, W, 3] of a topic."""
    with Bag(bag) as opened:
        messages = map(opened.decode, opened.messages([topic], opened.start, opened.end))
        return np.stack([one.data.reshape(one.height, one.width, 3) for one in messages])


@pytest.fixture
def files(bag: Path, tmp_path: Path) -> Path:
    """`videos/press.mp4`, and `panel.png` of the same object from elsewhere."""
    (tmp_path / 'videos').mkdir()
    write_video(tmp_path / 'videos' / 'press.mp4', images(bag, '/demonstration'), 10.0)
    write_image(tmp_path / 'panel.png', images(bag, '/camera/image')[0])
    return tmp_path


def run(root: Path, folder: Path, name: str, *arguments: Path | str) -> str:
    """What the example prints in a folder."""
    program = [] if name.endswith('.sh') else [sys.executable]
    command = [*program, str(root / 'examples' / name), *map(str, arguments)]
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
    folder = files / 'videos'
    # Its content says what it is, whatever its name.
    (files / 'panel.png').rename(folder / 'panel.jpg')
    monkeypatch.chdir(folder)
    (lines,) = re.findall(r'^```python\n(.*?)^```$', (root / page).read_text(), re.M | re.S)
    exec(lines, {})
    said = capsys.readouterr().out
    assert re.fullmatch(r'[a-z ]+ \(-?\d+\.\d+, -?\d+\.\d+\)\n', said), said
    assert cv2.imread('answer.png').shape == (120, 160, 3)


def test_two_files_give_an_action_and_an_overlay(root: Path, files: Path) -> None:
    overlay = files / 'overlay.png'
    given = files / 'videos' / 'press.mp4', files / 'panel.png'
    said = run(root, files, 'ground_two_files.py', *given, overlay)
    scores = [float(text) for text in re.findall(r'^[a-z ]+: ([\d.]+)$', said, re.MULTILINE)]
    assert len(scores) == 7
    assert sum(scores) == pytest.approx(1, abs=0.04)
    assert re.search(r'^peak at \(\d+, \d+\), score 0\.\d\d$', said, re.MULTILINE)
    drawn = cv2.imread(str(overlay))
    assert drawn.shape == (120, 160, 3)
    assert (drawn != cv2.imread(str(files / 'panel.png'))).any()


def run_notebook(root: Path, folder: Path) -> list[np.ndarray]:
    """Run the notebook in a folder; the images that it shows, BGR."""
    runner = root / 'test' / 'examples' / 'run_notebook.py'
    run(root, folder, str(runner), root / 'examples' / 'ground_two_files.ipynb')
    return [cv2.imread(str(folder / f'shown_{number}.png')) for number in range(2)]


def test_the_notebook_shows_the_image_and_what_is_found_in_it(root: Path, files: Path) -> None:
    (files / 'videos' / 'press.mp4').rename(files / 'press.mp4')
    (files / 'panel.png').rename(files / 'panel.jpg')

    image, found = run_notebook(root, files)

    np.testing.assert_array_equal(image, cv2.imread(str(files / 'panel.jpg')))
    np.testing.assert_array_equal(found, cv2.imread(str(files / 'answer.png')))
    assert (found != image).any()
    assert not (files / 'simulated').exists()


@pytest.mark.slow
def test_the_notebook_renders_a_scene_where_it_is_given_no_files(
    root: Path, tmp_path: Path
) -> None:
    image, found = run_notebook(root, tmp_path)

    rendered = tmp_path / 'simulated' / 'images' / 'test-seen' / '00000' / '0.jpg'
    np.testing.assert_array_equal(image, cv2.imread(str(rendered)))
    np.testing.assert_array_equal(found, cv2.imread(str(tmp_path / 'answer.png')))


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
        points=[
            AffordancePoint(score=0.5),
            AffordancePoint(score=0.25, **known),
        ],
        position_frame='base_link',
    )
    covered = Affordance(found=True, age=0.5, points=affordance.points)
    program = [sys.executable, str(root / 'examples' / 'pick_first_candidate.py')]
    command = [*program, '--ros-args', '-r', 'affordance:=camera/affordance']

    with rclpy.init(), subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as planner:
        node = rclpy.create_node('source')
        publisher = node.create_publisher(Affordance, 'camera/affordance', 5)
        for _ in range(PATIENCE * 5):
            publisher.publish(covered)
            publisher.publish(affordance)
            with suppress(subprocess.TimeoutExpired):
                planner.wait(0.2)
                break
        planner.kill()
        assert planner.stdout is not None
        assert planner.stdout.read() == PRINTED
    assert planner.returncode == 0


@pytest.mark.slow
def test_a_replay_is_plotted(root: Path, bag: Path, tmp_path: Path) -> None:
    pytest.importorskip('matplotlib', reason='matplotlib is not installed')
    said = run(root, tmp_path, 'replay_and_plot.py', bag, tmp_path / 'replay', '--whole')
    assert re.search(r'found in \d of 3 images', said), said
    chart = cv2.imread(str(tmp_path / 'replay' / 'presence.png'))
    assert chart.shape == (300, 800, 3)
    # matplotlib's first colour, in BGR: the line of presence.
    assert (chart == (180, 119, 31)).all(axis=2).sum() > 100


@pytest.mark.slow
def test_clips_are_mined_from_a_folder(root: Path, files: Path) -> None:
    hands = '[{"time": 0.3, "hands": [{"box": [9, 9, 30, 30], "contact": true}]}]'
    (files / 'videos' / 'press.hands.json').write_text(hands)
    options = '--detector=simulated', '--processes=1', '--rate=10', '--clip-frames=4', '--stride=4'
    said = run(root, files, 'mine_folder.py', files / 'videos', files / 'mined', *options)
    assert re.search(r'^press\.mp4: 0\.\d to 0\.\d s$', said, re.MULTILINE), said
