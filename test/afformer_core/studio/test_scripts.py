# SPDX-License-Identifier: Apache-2.0
"""The scripts of the page in a browser without a studio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import afformer_core.studio

SCRIPTS = Path(afformer_core.studio.__file__).parent
# Beside the origin, twice as wide as high, with a drawing of two pixels for each of the screen.
MARKED = """
<style>body { margin: 0; } #view { width: 200px; height: 100px; overflow: hidden; }</style>
<div id="root" style="position: absolute; left: 30px; top: 20px; width: 200px; height: 100px">
  <svg viewBox="0 0 400 200" style="display: block; width: 100%; height: 100%">
    <circle cx="300" cy="60" r="8" /><ellipse class="grip" cx="300" cy="60" rx="8" ry="8" />
    <circle cx="100" cy="120" r="8" /><circle cx="100" cy="120" r="16" />
    <ellipse class="grip" cx="100" cy="120" rx="8" ry="8" />
    <circle cx="100" cy="180" r="8" />
  </svg>
</div>
<div id="view"><div style="width: calc(var(--zoom) * 200px); height: calc(var(--zoom) * 100px)">
</div></div>"""
# One camera for each page, whose calls are kept.
CAMERA = """async (script) => {
  const { default: component } = await import(URL.createObjectURL(
    new Blob([script], { type: 'text/javascript' })));
  window.told = [];
  window.getElement = (id) => ({ $refs: { qRef: { addFiles: (files) => {
    for (const file of files) told.push([id, file.name, file.type, file.size > 0]);
  } } } });
  const video = document.createElement('video');
  video.muted = true;
  const emit = (...event) => told.push(event);
  window.camera = { ...component.methods, $el: video, $emit: emit, field: 7 };
  window.unmount = () => component.unmounted.call(camera);
}"""


@pytest.fixture(scope='module')
def tab(chromium: Any) -> Iterator[Any]:
    tab = chromium.new_page(viewport={'width': 640, 'height': 480})
    answer = {'body': MARKED, 'content_type': 'text/html'}
    tab.route('http://localhost/', lambda route: route.fulfill(**answer))
    yield tab
    tab.close()


@pytest.fixture
def page(tab: Any) -> Any:
    """A page of this machine, to which the browser gives its camera, with marks."""
    tab.goto('http://localhost/')
    return tab


@pytest.fixture
def camera(page: Any) -> Any:
    """The page with `camera`, which is open."""
    page.evaluate(CAMERA, (SCRIPTS / 'webcam.js').read_text())
    page.evaluate('camera.open()')
    assert page.evaluate('told') == [['opened']]
    return page


def files(page: Any, count: int) -> Any:
    """Wait for a number of files and of events beside the first; return the files."""
    page.wait_for_function('count => told.length > 2 * count', arg=count, timeout=20_000)
    told = page.evaluate('told')
    assert told[2::2] == count * [['sent']]
    return told[1::2]


def test_a_recording_is_sent_when_it_is_finished(camera: Any) -> None:
    camera.evaluate('camera.record(600)')
    camera.wait_for_timeout(200)
    camera.evaluate('camera.finish()')
    ((field, name, kind, filled),) = files(camera, 1)
    assert (field, kind, filled) == (7, 'video/webm', True)
    assert camera.evaluate('name => /^webcam \\d\\d-\\d\\d-\\d\\d\\.webm$/.test(name)', name)
    # The limit of the first recording does not end the second one.
    camera.evaluate('camera.record(60000)')
    camera.wait_for_timeout(600)
    assert camera.evaluate('camera.recorder.state') == 'recording'
    # What is not finished is not sent.
    camera.evaluate('camera.close()')
    camera.wait_for_function("camera.recorder.state === 'inactive'")
    camera.wait_for_timeout(100)
    assert len(camera.evaluate('told')) == 3


def test_a_recording_ends_after_its_limit(camera: Any) -> None:
    camera.evaluate('camera.record(200)')
    assert files(camera, 1)[0][2:] == ['video/webm', True]


def test_an_image_has_the_size_of_the_camera(camera: Any) -> None:
    camera.evaluate("""
        camera.send = async (blob) => {
          const image = await createImageBitmap(blob);
          told.push([blob.type, image.width, image.height]);
        };
        camera.take();""")
    camera.wait_for_function('told.length > 1')
    size = camera.evaluate('[camera.$el.videoWidth, camera.$el.videoHeight]')
    assert size[0] != size[1]
    assert camera.evaluate('told[1]') == ['image/jpeg', *size]


def test_the_camera_ends_with_the_page(camera: Any) -> None:
    camera.evaluate('window.track = camera.stream.getTracks()[0]; unmount();')
    assert camera.evaluate('track.readyState') == 'ended'


def test_a_browser_that_gives_no_camera_is_told(page: Any) -> None:
    page.evaluate(CAMERA, (SCRIPTS / 'webcam.js').read_text())
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    page.evaluate('camera.open()')
    ((event, reason),) = page.evaluate('told')
    assert (event, reason[:32]) == ('failed', 'the browser gives the camera onl')


@pytest.fixture
def marked(page: Any) -> Any:
    """The page with `gestures` and a function that makes them on the drawing."""
    page.add_script_tag(content=(SCRIPTS / 'labelling/gestures.js').read_text())
    page.evaluate("""
        window.told = [];
        window.root = document.getElementById('root');
        root.setPointerCapture = () => {};
        window.make = (gesture, x, y, fields = {}) => gestures[gesture]({
          type: gesture, clientX: x, clientY: y, isPrimary: true, button: 0, pointerType: 'mouse',
          currentTarget: root, ...fields }, (...event) => told.push(event));
        window.shifts = () => [...document.querySelectorAll('circle')].map(
          (circle) => circle.getAttribute('transform'));""")
    return page


def test_the_circles_of_a_mark_follow_the_pointer(marked: Any) -> None:
    # A mouse must be on the grip, which is 4 pixels of the screen wide.
    marked.evaluate("make('press', 85, 80); make('move', 90, 83);")
    assert marked.evaluate('shifts()') == 4 * [None]
    marked.evaluate("make('press', 82, 79); make('move', 92, 76);")
    # One pixel of the screen is two of the drawing.
    moved = [None, *2 * ['translate(20 -6)'], None]
    assert marked.evaluate('shifts()') == moved
    marked.evaluate("make('release', 92, 76); make('move', 99, 99)")
    assert marked.evaluate('shifts()') == moved
    assert marked.evaluate('told') == [
        ['press', 0.275, 0.6, 0],
        ['press', 0.26, 0.59, 0],
        ['release', 0.31, 0.56, 0],
    ]
    marked.evaluate("make('press', 80, 80); make('release', 80, 80, { type: 'pointercancel' })")
    assert marked.evaluate('shifts()') == 4 * [None]


def test_a_finger_reaches_further_and_other_buttons_do_nothing(marked: Any) -> None:
    marked.evaluate("make('press', 97, 80, { pointerType: 'touch' }); make('move', 97, 81);")
    assert marked.evaluate('shifts()') == [None, *2 * ['translate(0 2)'], None]
    marked.evaluate('told.length = 0')
    for fields in ('{ isPrimary: false }', '{ button: 2 }'):
        marked.evaluate(f"make('press', 80, 80, {fields}); make('release', 80, 80, {fields})")
    assert marked.evaluate('told') == []


@pytest.mark.parametrize(
    ('fingers', 'prevented'),
    [([(98, 80)], True), ([(99, 80)], False), ([(80, 80), (180, 50)], False)],
)
def test_a_finger_beside_the_grips_scrolls(
    marked: Any, fingers: list[tuple[int, int]], prevented: bool
) -> None:
    found = marked.evaluate(
        """(fingers) => {
          const touches = fingers.map(([x, y]) => ({ clientX: x, clientY: y }));
          let prevented = false;
          make('fingerDown', 0, 0, { touches: touches, preventDefault: () => prevented = true });
          return prevented;
        }""",
        fingers,
    )
    assert found is prevented


def test_the_nearest_grip_is_taken(marked: Any) -> None:
    nearest = '([x, y]) => gestures.nearest(root, { clientX: x, clientY: y }, 200).id'
    marked.evaluate("document.querySelectorAll('.grip').forEach((grip, at) => grip.id = at)")
    assert [marked.evaluate(nearest, at) for at in ((135, 70), (125, 70))] == ['0', '1']


def test_a_wheel_zooms_at_the_pointer(marked: Any) -> None:
    marked.evaluate(
        "make('turnWheel', 70, 45, { deltaY: -3 }); make('turnWheel', 31, 22, { deltaY: 3 })"
    )
    assert marked.evaluate('told') == [[1, 40, 25], [-1, 1, 2]]
    zoom = """(given) => {
      const view = document.getElementById('view');
      gestures.zoom(view, ...given);
      return [view.style.overflow, view.scrollLeft, view.scrollTop];
    }"""
    # The pixels 50, 20 and then, in the middle, 100 + 75, 50 + 30 stay in place.
    assert marked.evaluate(zoom, [2, 50, 20]) == ['auto', 50, 20]
    assert marked.evaluate(zoom, [4]) == ['auto', 200, 90]
    assert marked.evaluate(zoom, [1]) == ['hidden', 0, 0]
