# SPDX-License-Identifier: Apache-2.0
"""Screenshots of the studio for its tutorial: a real studio in a real browser.

    source tools/environment.sh
    python tools/studio_screenshots.py docs/images

The rendered examples of the package are tried, labelled and trained on in a small configuration,
and a grounding node records one of them. `pip install playwright` and Chromium are required.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import PIL.Image

from afformer_core.example_pairs.pair_folder import ExamplePair, rendered_pairs
from afformer_core.media.images import read_image, write_image
from afformer_core.media.video import read_video
from afformer_core.offline.data.readers.folder_pairs import PointRow, point_table_text

_SIZE = {'width': 1280, 'height': 800}
_MILLISECONDS = 300_000
# Largest file of a screenshot, and the first quality of JPEG that is tried.
_BYTES, _QUALITY = 90_000, 85
_DOMAIN = '83'
_RATE = 5.0
# Left and lower borders of three crops of the photograph of the cup, and points on the upper end
# of its spoon, which the shipped model does not choose.
_CROPS = {'kitchen.png': (0, 360), 'office.png': (60, 300), 'terrace.png': (110, 330)}
_SPOON = ((402, 14), (396, 22), (404, 28), (394, 38), (400, 46), (390, 56), (395, 66))
_CONFIGURATION = """\
seed_everything: 0
model:
  architecture: {preset: afformer_small, input_size: [96, 96], maximum_frames: 4}
  optimization: {learning_rate: 0.001, backbone_factor: 0.0}
data:
  class_path: afformer_core.offline.training.datasets.image_data.ImageData
  init_args: {frames: uniform 4, batch_size: 3, workers: 0}
trainer:
  accelerator: cpu
  max_steps: 40
  val_check_interval: 500
  check_val_every_n_epoch: null
  num_sanity_val_steps: 0
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the screenshots into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path, help='folder of the screenshots, such as docs/images')
    folder = parser.parse_args(arguments).folder
    # No node of this machine is shown.
    os.environ['ROS_DOMAIN_ID'] = _DOMAIN
    examples = {pair.video.stem: pair for pair in rendered_pairs()}
    with tempfile.TemporaryDirectory() as name, _browser() as browser:
        temporary = Path(name)
        pairs = _write_pairs(temporary / 'my_pairs', examples['spoon'])
        configuration = temporary / 'training.yaml'
        configuration.write_text(_CONFIGURATION)
        options = ['--pairs', str(pairs), '--models', str(temporary / 'models')]
        options += ['--training-configuration', str(configuration), '--backend', 'torch']
        with _studio(options) as address, _node(temporary, examples['cup_handle']):
            page = browser.new_page(viewport=_SIZE)
            page.set_default_timeout(_MILLISECONDS)
            page.goto(address)
            _capture_try(page, folder)
            _capture_label(page, folder)
            _capture_train(page, folder)
            _capture_robot(page, folder)
    return 0


def _capture_try(page: Any, folder: Path) -> None:
    page.get_by_role('button', name='Try: Hold the handle of a cup').click()
    page.locator('.answer img').wait_for()
    _save(page, folder / 'studio.jpg')


def _capture_label(page: Any, folder: Path) -> None:
    page.get_by_role('tab', name='Label').click()
    page.locator('.marked .suggested').first.wait_for()
    page.get_by_text('Frame 1 of').wait_for()
    _save(page, folder / 'studio_label.jpg')


def _capture_train(page: Any, folder: Path) -> None:
    page.get_by_role('tab', name='Train').click()
    page.get_by_label('Name of the new model').fill('espresso')
    page.get_by_role('spinbutton', name='Steps').fill('40')
    page.get_by_role('button', name='Start').click()
    page.get_by_text('Finished').wait_for()
    _save(page, folder / 'studio_train.jpg')


def _capture_robot(page: Any, folder: Path) -> None:
    page.get_by_role('tab', name='Robot').click()
    page.locator('.camera img[src^="data:image/jpeg"]').wait_for()
    page.get_by_label('Name (empty: the node chooses)').fill('cup_handle')
    page.get_by_role('button', name='Record (R)').click()
    page.get_by_text("Recording 'cup_handle': 2").wait_for()
    page.get_by_role('button', name='Finish (F)').click()
    page.locator('.overlay img[src^="data:image/jpeg"]').wait_for()
    page.locator('.first-frame img').wait_for()
    _save(page, folder / 'studio_robot.jpg')


def _save(page: Any, path: Path) -> None:
    """Write the page as a JPEG of limited size, from its top to the end of its content."""
    # Messages and images that have just arrived are drawn.
    page.wait_for_timeout(2_000)
    page.evaluate('scrollTo(0, 0)')
    page.mouse.move(640, 60)
    with PIL.Image.open(io.BytesIO(page.screenshot())) as taken:
        screenshot = taken.convert('RGB')
    for quality in range(_QUALITY, 30, -5):
        encoded = io.BytesIO()
        screenshot.save(encoded, 'JPEG', quality=quality, optimize=True, progressive=True)
        if encoded.tell() <= _BYTES:
            break
    path.write_bytes(encoded.getvalue())
    print(f'{path}: {encoded.tell() / 1000:.0f} kB at quality {quality}')


def _write_pairs(folder: Path, example: ExamplePair) -> Path:
    """Write an object with one demonstration and three images with points."""
    for kind in ('demonstrations', 'images'):
        (folder / 'spoon' / kind).mkdir(parents=True)
    shutil.copy(example.video, folder / 'spoon/demonstrations')
    photograph, rows = read_image(example.image), []
    for name, (left, lower) in _CROPS.items():
        write_image(folder / 'spoon/images' / name, photograph[:lower, left:])
        rows += [PointRow(0, example.video.name, name, 'touch', x - left, y) for x, y in _SPOON]
    (folder / 'spoon/points.csv').write_text(point_table_text(rows))
    return folder


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    names = ('chromium', 'chromium-browser', 'google-chrome')
    program = next(filter(None, map(shutil.which, names)), None)
    options = ['--disable-dev-shm-usage', *(['--no-sandbox'] if os.geteuid() == 0 else [])]
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@contextmanager
def _studio(options: Sequence[str]) -> Iterator[str]:
    """Run a studio; yield its address."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    command = [sys.executable, '-m', 'afformer_core.cli.main', 'studio', '--port', str(port)]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@contextmanager
def _node(folder: Path, example: ExamplePair) -> Iterator[None]:
    """Run a grounding node, which sees the image of an example, and records its video."""
    from sensor_msgs.msg import Image
    from std_msgs.msg import Header

    from afformer_core.messages.image_encoding import image_message
    from afformer_ros.driver.grounding_driver import GroundingDriver, NodeProcesses
    from afformer_ros.rclpy_messages import RclpyMessages

    photograph, frames = read_image(example.image), read_video(example.video)
    ending = threading.Event()
    with NodeProcesses(folder) as processes:
        driver = GroundingDriver('studio_screenshots', processes)
        images = driver.node.create_publisher(Image, 'image', 1)
        recorded = driver.node.create_publisher(Image, 'demonstration', 10)

        def publish() -> None:
            number = 0
            while not ending.wait(1 / _RATE):
                stamp = driver.node.get_clock().now().to_msg()
                header = Header(frame_id='camera', stamp=stamp)
                for publisher, shown in (
                    (images, photograph),
                    (recorded, frames[number % len(frames)]),
                ):
                    publisher.publish(image_message(RclpyMessages(), shown, 'rgb8', header))
                number += 1

        thread = threading.Thread(target=publish, name='camera')
        try:
            driver.start_grounding({'store_folder': folder / 'store'})
            driver.bring_up()
            thread.start()
            yield
        finally:
            ending.set()
            if thread.is_alive():
                thread.join()
            driver.close()


if __name__ == '__main__':
    raise SystemExit(main())
