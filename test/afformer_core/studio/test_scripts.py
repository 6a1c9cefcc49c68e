# SPDX-License-Identifier: Apache-2.0
"""The scripts of the page in a browser without a studio."""

from __future__ import annotations

import re
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
# What a camera, whose field is 7, and gestures on the root tell is kept.
CAMERA = """async (script) => {
  const { default: component } = await import(URL.createObjectURL(
    new Blob([script], { type: 'text/javascript' })));
  window.told = [];
  window.getElement = (id) => ({ $refs: { qRef: { addFiles: (files) => {
    for (const file of files) told.push([file.name, id, file.type, file.size > 0]);
  } } } });
  const video = document.createElement('video');
  video.muted = true;
  const emit = (...event) => told.push(event);
  window.camera = { ...component.methods, $el: video, $emit: emit, field: 7 };
  window.unmount = () => component.unmounted.call(camera);
}"""
GESTURES = """
window.root = document.getElementById('root');
root.setPointerCapture = () => {};
window.make = (gesture, x, y, fields = {}) => gestures[gesture]({
  type: gesture, clientX: x, clientY: y, isPrimary: true, button: 0, pointerType: 'mouse',
  currentTarget: root, ...fields }, (...event) => told.push(event));
window.shifts = () => [...document.querySelectorAll('circle')].map(
  (circle) => circle.getAttribute('transform'));"""


@pytest.fixture(scope='module')
def tab(chromium: Any) -> Iterator[Any]:
    tab = chromium.new_page(viewport={'width': 640, 'height': 480})
    answer = {'body': MARKED, 'content_type': 'text/html'}
    tab.route('http://localhost/', lambda route: route.fulfill(**answer))
    yield tab
    tab.close()


@pytest.fixture
def page(tab: Any) -> Any:
    """A page of this machine, to which the browser gives its camera, with `camera` and `root`."""
    tab.goto('http://localhost/')
    tab.evaluate(CAMERA, (SCRIPTS / 'webcam.js').read_text())
    tab.add_script_tag(content=(SCRIPTS / 'labelling/gestures.js').read_text())
    tab.evaluate(GESTURES)
    return tab


def test_what_is_recorded_is_sent_when_it_is_finished_or_long_enough(page: Any) -> None:
    def sent() -> Any:
        page.wait_for_function('told.length === 2', timeout=20_000)
        file, event = page.evaluate('told.splice(0)')
        assert event == ['sent']
        return file

    page.evaluate('camera.open()')
    assert page.evaluate('told.splice(0)') == [['opened']]
    page.evaluate('camera.record(200)')
    name, *facts = sent()
    assert facts == [7, 'video/webm', True]
    assert re.fullmatch(r'webcam \d\d-\d\d-\d\d\.webm', name)
    page.evaluate('camera.record(500)')
    page.wait_for_timeout(100)
    page.evaluate('camera.finish()')
    assert sent()[1:] == facts
    # The limit of one recording does not end the next; what is not finished is not sent.
    page.evaluate('camera.record(60000)')
    page.wait_for_timeout(600)
    assert page.evaluate('camera.recorder.state') == 'recording'
    page.evaluate('track = camera.stream.getTracks()[0]; unmount()')
    page.wait_for_function("camera.recorder.state === 'inactive'")
    page.wait_for_timeout(100)
    assert page.evaluate('[track.readyState, ...told]') == ['ended']


def test_an_image_has_the_size_of_the_camera(page: Any) -> None:
    page.evaluate('camera.open()')
    page.evaluate("""camera.send = async (blob) => {
        const image = await createImageBitmap(blob);
        told.push([blob.type, image.width, image.height]);
      };
      camera.take();""")
    page.wait_for_function('told.length > 1')
    assert page.evaluate('told[1]') == ['image/jpeg', 640, 480]


def test_a_browser_that_gives_no_camera_is_told(page: Any) -> None:
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    page.evaluate('camera.open()')
    ((event, reason),) = page.evaluate('told')
    assert (event, reason[:32]) == ('failed', 'the browser gives the camera onl')


def test_the_circles_of_a_mark_follow_the_pointer(page: Any) -> None:
    moved = [None, *2 * ['translate(20 -6)'], None]
    for gestures, expected in (
        # A mouse must be on the grip, which is 4 pixels of the screen wide.
        ("make('press', 85, 80); make('move', 90, 83)", 4 * [None]),
        # One pixel of the screen is two of the drawing.
        ("make('press', 82, 79); make('move', 92, 76)", moved),
        ("make('release', 92, 76); make('move', 99, 99)", moved),
        ("make('press', 80, 80); make('release', 1, 1, { type: 'pointercancel' })", 4 * [None]),
        # A finger reaches further.
        ("make('press', 97, 80, { pointerType: 'touch' }); make('move', 107, 77)", moved),
    ):
        page.evaluate(gestures)
        assert page.evaluate('shifts()') == expected
    told = page.evaluate('told')
    assert told[:3] == [
        ['press', 0.275, 0.6, 0],
        ['press', 0.26, 0.59, 0],
        ['release', 0.31, 0.56, 0],
    ]
    assert told[-1] == ['press', 0.335, 0.6, 0.07]
    for fields in ('{ isPrimary: false }', '{ button: 2 }'):
        page.evaluate(f"make('press', 80, 80, {fields}); make('release', 80, 80, {fields})")
    assert page.evaluate('told') == told


def test_a_finger_on_the_nearest_grip_does_not_scroll(page: Any) -> None:
    prevented = """(fingers) => {
      const touches = fingers.map(([x, y]) => ({ clientX: x, clientY: y }));
      let prevented = false;
      make('fingerDown', 0, 0, { touches: touches, preventDefault: () => prevented = true });
      return prevented;
    }"""
    for fingers, expected in (([(98, 80)], True), ([(99, 80)], False), (2 * [(80, 80)], False)):
        assert page.evaluate(prevented, fingers) is expected
    page.evaluate("document.querySelectorAll('.grip').forEach((grip, at) => grip.id = at)")
    nearest = '([x, y]) => gestures.nearest(root, { clientX: x, clientY: y }, 200).id'
    assert [page.evaluate(nearest, at) for at in ((135, 70), (125, 70))] == ['0', '1']


def test_a_wheel_zooms_at_the_pointer(page: Any) -> None:
    page.evaluate("[-3, 3].forEach((down) => make('turnWheel', 70, 45, { deltaY: down }))")
    assert page.evaluate('told') == [[1, 40, 25], [-1, 40, 25]]
    zoom = """(given) => {
      const view = document.getElementById('view');
      gestures.zoom(view, ...given);
      return [view.style.overflow, view.scrollLeft, view.scrollTop];
    }"""
    # The pixels 50, 20 and then, in the middle, 100 + 50, 50 + 20 stay in place.
    assert page.evaluate(zoom, [2, 50, 20]) == ['auto', 50, 20]
    assert page.evaluate(zoom, [4]) == ['auto', 200, 90]
    assert page.evaluate(zoom, [1]) == ['hidden', 0, 0]
    # A page may have left the view before it is told to zoom.
    assert page.evaluate('gestures.zoom(null, 2) ?? "nothing"') == 'nothing'
