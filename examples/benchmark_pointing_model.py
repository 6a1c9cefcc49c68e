# SPDX-License-Identifier: Apache-2.0
"""A pointing vision-language model as a system for `afformer benchmark run`.

The model, such as Molmo or Qwen-VL, is served by an endpoint compatible with OpenAI's, such as
vLLM's. It sees some frames of the clip and the image, and writes a point and an action:

    vllm serve allenai/Molmo-7B-D-0924
    afformer benchmark run 'python examples/benchmark_pointing_model.py
        --url http://localhost:8000/v1 --model allenai/Molmo-7B-D-0924' demonstration_to_image

The environment variable OPENAI_API_KEY is sent if it is set.
"""

import argparse
import base64
import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ACTIONS = ('hold', 'touch', 'rotate', 'push', 'pull', 'pick up', 'put down')
PROMPT = """\
The first {count} images are frames of a video, in order, in which a hand operates a part of an
object. The last image shows the same object, or one like it, maybe elsewhere. Find the part in
the last image that a robot must touch to repeat the action. Answer with JSON only:
{{"point": [x, y], "action": "...", "visible": true}}
where x and y are {units}, action is one of {actions}, and visible tells
whether the last image shows the part."""
UNITS = {
    'pixels': 'pixels of the last image, which is {width} wide and {height} high',
    'percent': 'percent of the width and height of the last image, 0 to 100',
    'thousandths': 'thousandths of the width and height of the last image, 0 to 1000',
}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--url', required=True, help='base URL of the endpoint, with /v1')
    parser.add_argument('--model', required=True, help='name of the model at the endpoint')
    parser.add_argument('--frames', type=int, default=8, help='frames of a clip (default: 8)')
    parser.add_argument(
        '--coordinates',
        choices=tuple(UNITS),
        default='pixels',
        help='coordinates that the model was trained to write (default: pixels)',
    )
    parser.add_argument('--timeout', type=float, default=120.0, help='seconds for an answer')
    parser.add_argument('questions', type=Path)
    parser.add_argument('answers', type=Path)
    return parser.parse_args()


def read_image(path: Path) -> np.ndarray:
    """Read an image, BGR.

    Raises:
        ValueError: it cannot be read.
    """
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f'{path} is no image')
    return image


def read_frames(path: Path, count: int) -> list[np.ndarray]:
    """Read evenly spaced frames of a clip, BGR."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    chosen = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return [frames[index] for index in chosen]


def as_part(image: np.ndarray) -> dict[str, Any]:
    """Encode an image as a part of a message."""
    content = base64.b64encode(cv2.imencode('.jpg', image)[1].tobytes()).decode()
    return {'type': 'image_url', 'image_url': {'url': f'data:image/jpeg;base64,{content}'}}


def ask(arguments: argparse.Namespace, frames: list[np.ndarray], image: np.ndarray) -> str:
    """Ask the model; return its text."""
    height, width = image.shape[:2]
    units = UNITS[arguments.coordinates].format(width=width, height=height)
    prompt = PROMPT.format(count=len(frames), units=units, actions=', '.join(ACTIONS))
    parts = [*map(as_part, frames), as_part(image), {'type': 'text', 'text': prompt}]
    request = {
        'model': arguments.model,
        'messages': [{'role': 'user', 'content': parts}],
        'temperature': 0,
        'max_tokens': 200,
    }
    headers = {'Content-Type': 'application/json'}
    if key := os.environ.get('OPENAI_API_KEY'):
        headers['Authorization'] = f'Bearer {key}'
    url = f'{arguments.url.rstrip("/")}/chat/completions'
    call = urllib.request.Request(url, json.dumps(request).encode(), headers)
    with urllib.request.urlopen(call, timeout=arguments.timeout) as response:
        return str(json.load(response)['choices'][0]['message']['content'])


def parse_answer(text: str, size: tuple[int, int], coordinates: str) -> dict[str, Any]:
    """Read the model's text: JSON, or Molmo's `<point x="51.5" y="28.4">` in percent.

    Args:
        text: the text.
        size: width and height of the image.
        coordinates: units of JSON.

    Returns:
        an answer of the benchmark, without points if the text has none.
    """
    width, height = size
    if tag := re.search(r'<points?\s+x1?="\s*([\d.]+)"\s+y1?="\s*([\d.]+)"', text):
        x, y = float(tag[1]) * width / 100, float(tag[2]) * height / 100
        return {'points': [[x - 0.5, y - 0.5]]}
    found = re.search(r'\{.*\}', text, re.DOTALL)
    try:
        content = json.loads(found[0]) if found else {}
        x, y = map(float, content.get('point') or ())
    except (ValueError, TypeError):
        return {}
    if coordinates != 'pixels':
        whole = 100 if coordinates == 'percent' else 1000
        x, y = x * width / whole - 0.5, y * height / whole - 0.5
    answer: dict[str, Any] = {'points': [[x, y]]}
    if isinstance(content.get('visible'), bool):
        answer['found'] = content['visible']
        answer['presence'] = float(content['visible'])
    if content.get('action') in ACTIONS:
        answer['actions'] = {content['action']: 1.0}
    return answer


def main() -> int:
    """Answer a folder of questions."""
    arguments = parse_arguments()
    answers = {}
    for question in json.loads((arguments.questions / 'questions.json').read_text()):
        if 'image' not in question:
            continue
        image = read_image(arguments.questions / question['image'])
        frames = read_frames(arguments.questions / question['clip'], arguments.frames)
        try:
            text = ask(arguments, frames, image)
        except urllib.error.URLError as error:
            print(f'{arguments.url} does not answer: {error}', file=sys.stderr)
            return 1
        size = (image.shape[1], image.shape[0])
        answers[question['id']] = parse_answer(text, size, arguments.coordinates)
    arguments.answers.write_text(json.dumps(answers))
    return 0


if __name__ == '__main__':
    sys.exit(main())
