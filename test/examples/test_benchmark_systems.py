# SPDX-License-Identifier: Apache-2.0
"""The examples of systems for `afformer benchmark run`, on folders of questions."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.media.video import write_video

ROOT = Path(__file__).parents[2]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A question with an image of 80x40, and one about a contact alone."""
    folder = tmp_path / 'questions'
    folder.mkdir()
    cv2.imwrite(str(folder / 'a.jpg'), np.full((40, 80, 3), 90, np.uint8))
    write_video(folder / 'a.mp4', [np.full((32, 64, 3), 30, np.uint8)] * 5, 10.0)
    asked = [{'id': '0001', 'clip': 'a.mp4', 'image': 'a.jpg'}, {'id': '0002', 'clip': 'a.mp4'}]
    (folder / 'questions.json').write_text(json.dumps(asked))
    return folder


def run(name: str, *arguments: Any, folder: Path) -> dict[str, Any]:
    """Answers of an example, run in a folder that holds the questions."""
    answers = folder / 'answers.json'
    command = [sys.executable, ROOT / 'examples' / name, *arguments]
    done = subprocess.run(
        [*map(str, command), str(folder / 'questions'), str(answers)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(answers.read_text())


class Endpoint(BaseHTTPRequestHandler):
    """An endpoint that always gives the text of its server, and keeps the requests."""

    def do_POST(self) -> None:
        length = int(self.headers['Content-Length'])
        self.server.requests.append((self.path, json.loads(self.rfile.read(length))))
        message = {'choices': [{'message': {'content': self.server.text}}]}
        content = json.dumps(message).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(('127.0.0.1', 0), Endpoint)
    server.requests = []
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def ask(endpoint: ThreadingHTTPServer, folder: Path, *options: str) -> dict[str, Any]:
    url = f'http://127.0.0.1:{endpoint.server_port}/v1'
    arguments = ('--url', url, '--model', 'pointer', *options)
    return run('benchmark_pointing_model.py', *arguments, folder=folder)


def test_a_pointing_model_sees_frames_and_the_image(
    endpoint: ThreadingHTTPServer, questions: Path
) -> None:
    endpoint.text = '{"point": [51, 12], "action": "pull", "visible": true}'
    ask(endpoint, questions.parent, '--frames', '3')
    ((path, request),) = endpoint.requests
    assert (path, request['model']) == ('/v1/chat/completions', 'pointer')
    *images, text = request['messages'][0]['content']
    assert '80 wide and 40 high' in text['text']
    coded = (base64.b64decode(part['image_url']['url'].split(',')[1]) for part in images)
    shapes = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1).shape for jpeg in coded]
    assert shapes == [(32, 64, 3)] * 3 + [(40, 80, 3)]


@pytest.mark.parametrize(
    ('text', 'options', 'answer'),
    [
        (
            'Here:\n```json\n{"point": [51, 12], "action": "pull", "visible": false}\n```',
            (),
            {'points': [[51.0, 12.0]], 'found': False, 'presence': 0.0, 'actions': {'pull': 1.0}},
        ),
        # Molmo points in percent.
        (' <point x="25.0" y="60.0" alt="handle">handle</point>', (), {'points': [[19.5, 23.5]]}),
        ('{"point": [250, 600]}', ('--coordinates', 'thousandths'), {'points': [[19.5, 23.5]]}),
        ('I cannot see it.', (), {}),
    ],
)
def test_a_text_is_read_as_a_point_and_an_action(
    endpoint: ThreadingHTTPServer,
    questions: Path,
    text: str,
    options: tuple[str, ...],
    answer: dict[str, Any],
) -> None:
    endpoint.text = text
    assert ask(endpoint, questions.parent, *options) == {'0001': answer}


POLICY = """
def move(frames, image, camera_matrix):
    assert frames.shape == (5, 32, 64, 3) and image.shape == (40, 80, 3)
    return {
        'positions': [[0, 0, 0.5], [0.1, -0.05, 0.4], [0.2, 0.1, 0.8]],
        'gripper': [1.0, 0.2, 0.1],
    }
"""


def test_the_point_of_a_policy_is_where_the_gripper_closes(questions: Path) -> None:
    (questions.parent / 'my_policy.py').write_text(POLICY)
    options = ('--policy', 'my_policy:move', '--field-of-view', '90')
    answers = run('benchmark_policy_point.py', *options, folder=questions.parent)
    # a focal length of 40 pixels, and the centre at (39.5, 19.5)
    assert answers == {'0001': {'points': [pytest.approx([49.5, 14.5])]}}
