# SPDX-License-Identifier: Apache-2.0
"""The demo with files of the user, as a process."""

import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import cv2
import numpy as np
import psutil
import pytest

from afformer_core.media.video import read_video, write_video
from afformer_ros.demo import __main__ as demo
from afformer_ros.demo.__main__ import _describe
from afformer_ros.demo.scenes import DemoScene
from afformer_ros.driver.grounding_driver import NodeError
from test.waiting import PATIENCE, wait_until


@pytest.fixture
def files(tmp_path):
    """A video and an image."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (6, 48, 64, 3), np.uint8)
    write_video(tmp_path / 'press it.mp4', frames, 12)
    cv2.imwrite(str(tmp_path / 'camera.png'), rng.integers(0, 256, (120, 161, 3), np.uint8))
    return ['--video', str(tmp_path / 'press it.mp4'), '--image', str(tmp_path / 'camera.png')]


def _command(arguments):
    return [sys.executable, '-m', 'afformer_ros.demo', *map(str, arguments)]


def _run(*arguments):
    return subprocess.run(
        _command(arguments), capture_output=True, text=True, timeout=400, check=False
    )


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_the_demo_finds_what_was_demonstrated(tmp_path):
    done = _run('--output', tmp_path / 'output')
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r'at pixel \(.*, inside the demonstrated element', done.stdout)) == 3
    assert 'nothing found' not in done.stdout
    assert done.stdout.count('By the state of the simulator it is done.') == 3
    # The drawer sticks.
    assert re.search('pull the drawer\n +Attempt 2: .*; done: ', done.stdout)
    assert (tmp_path / 'output' / 'robot.mp4').stat().st_size > 100_000
    scenes = tmp_path / 'output' / 'scenes'
    assert {path.name for path in scenes.iterdir()} == {'button', 'drawers_pull', 'knob'}
    assert {path.name for path in (scenes / 'knob').iterdir()} == {
        'camera.mp4',
        'camera_image.png',
        'demonstration.mp4',
    }


def test_a_point_is_a_pixel_of_the_image_of_the_user(tmp_path):
    best = SimpleNamespace(u=100.0, v=40.0)
    pull = SimpleNamespace(name='pull', score=0.4)
    affordance = SimpleNamespace(
        found=True, points=[best], action='unknown', actions=[pull], confidence=0.5,
        certainty=0.34, certainty_threshold=0.7, unsure=True,
    )  # fmt: skip
    scene = DemoScene(
        name='tap', title='', demonstration=tmp_path, image=tmp_path, camera=tmp_path,
        scale=(4.0, 2.0),
    )  # fmt: skip
    text = _describe(SimpleNamespace(affordance=affordance), scene)
    assert text.startswith('act at pixel (402, 80), ')
    assert 'not sure which part: certainty 0.34, at least 0.70 is needed' in text


def test_the_demo_leaves_a_film(files, exported_model, tmp_path):
    output = tmp_path / 'output'
    done = _run(*files, '--model', exported_model, '--output', output)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'nothing found' in done.stdout
    assert re.search(r'images grounded, each published \d{1,5} ms \(median\)', done.stdout)
    assert str(output / 'overlay.mp4') in done.stdout
    assert [path.name for path in output.iterdir()] == ['overlay.mp4']
    assert len(read_video(output / 'overlay.mp4')) > 3


@pytest.mark.parametrize(
    ('arguments', 'status', 'message'),
    [
        (
            ['--video', 'absent.mp4', '--image', 'absent.png'],
            1,
            'does not exist; expected a video file',
        ),
        (['--video', 'absent.mp4'], 2, 'only one of --video and --image was given'),
    ],
)
def test_what_the_demo_refuses(arguments, status, message, tmp_path):
    done = _run(*arguments, '--output', tmp_path / 'output')
    assert done.returncode == status
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
    assert list((tmp_path / 'output').glob('*')) == []


def test_a_node_that_fails_ends_the_demo_with_its_reason(files, tmp_path):
    done = _run(*files, '--model', tmp_path / 'absent', '--output', tmp_path / 'output')
    assert done.returncode == 1
    assert 'absent/model.json does not exist' in done.stderr
    assert f'The logs of the nodes are in {tmp_path}/output/logs.' in done.stderr
    assert [path.name for path in (tmp_path / 'output').iterdir()] == ['logs']
    log = tmp_path / 'output' / 'logs' / '00_grounding node.log'
    assert 'absent/model.json does not exist' in log.read_text()


def test_a_scene_without_an_answer_leaves_the_others(tmp_path, monkeypatch, capsys):
    def ground(graph, scene):
        if scene.name == 'late':
            raise NodeError('timed out after 600 s')
        return [np.full((48, 64, 3), 90, np.uint8)] * 7

    graph = SimpleNamespace(bring_up=lambda: None, close=lambda: None)
    scenes = [SimpleNamespace(name=name, title=name) for name in ('late', 'cup')]
    monkeypatch.setattr('afformer_ros.demo.graph.DemoGraph', lambda *_: graph)
    monkeypatch.setattr(demo, '_scenes', lambda *_: scenes)
    monkeypatch.setattr(demo, '_ground', ground)

    demo._run(SimpleNamespace(output=tmp_path / 'output', model='', video='press.mp4'))

    assert 'late\n  not grounded: timed out after 600 s\n\ncup' in capsys.readouterr().out
    assert len(read_video(tmp_path / 'output' / 'overlay.mp4')) == 7


def test_an_interruption_leaves_no_process_behind(files, exported_model, tmp_path):
    demo = subprocess.Popen(
        _command([*files, '--model', exported_model, '--output', tmp_path / 'output']),
        stdout=subprocess.DEVNULL,
        env={**os.environ, 'PYTHONUNBUFFERED': '1'},
    )
    try:
        parent = psutil.Process(demo.pid)
        children = wait_until(lambda: parent.children(recursive=True) or demo.poll())
        time.sleep(1)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(PATIENCE) == 130
        assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
        assert list((tmp_path / 'output').iterdir()) == []
    finally:
        demo.kill()
