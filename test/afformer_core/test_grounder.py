# SPDX-License-Identifier: Apache-2.0
"""The Python interface: videos and images of every kind to groundings."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import afformer_core
from afformer_core import Grounder, Grounding, ground, grounder
from afformer_core.demonstrations.media import read_demonstration
from afformer_core.demonstrations.recording import memorize_whole
from afformer_core.errors import DemonstrationError, ImageError, ModelFolderError, VideoError
from afformer_core.media.images import write_image
from afformer_core.media.video import write_video
from afformer_core.runtime import ArrayGrounder, shipped_model_folder

from .conftest import ACTIONS
from .demonstrations.turned_disc import disc_frame

FRAMES = [disc_frame(11.0 * number, 0.7 * number)[:, 32:] for number in range(5)]
IMAGE = np.ascontiguousarray(disc_frame(75.0, 13.0)[20:, :140])


@pytest.fixture(scope='module')
def model() -> ArrayGrounder:
    """The shipped model; tests that share it replace demonstrations."""
    return ArrayGrounder.load(shipped_model_folder(), threads=1)


@pytest.fixture
def shipped(model: ArrayGrounder) -> Grounder:
    for name in model.demonstrations:
        model.delete_demonstration(name)
    return Grounder(model)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`turn.mp4`, its frames as files in `frames`, and `panel.png`."""
    folder = tmp_path_factory.mktemp('files')
    write_video(folder / 'turn.mp4', np.stack(FRAMES), 10.0)
    (folder / 'frames').mkdir()
    for number, frame in enumerate(FRAMES):
        write_image(folder / 'frames' / f'{number:02}.png', frame)
    write_image(folder / 'panel.png', IMAGE)
    return folder


def same(one: Grounding, other: Grounding) -> bool:
    return one.to_dict() == other.to_dict() and bool((one.heatmap == other.heatmap).all())


def test_importing_the_package_imports_no_library() -> None:
    heavy = ('cv2', 'lightning', 'numpy', 'onnxruntime', 'PIL', 'timm', 'torch')
    code = f"""
import sys, afformer_core
print([name for name in {heavy} if name in sys.modules])
from afformer_core import Grounder, ground
print([name for name in ('lightning', 'mujoco', 'timm', 'torch') if name in sys.modules])"""

    told = subprocess.run([sys.executable, '-c', code], capture_output=True, check=True)

    assert told.stdout.decode().split('\n') == ['[]', '[]', '']


def test_every_name_of_the_package_is_there() -> None:
    assert {name for name in afformer_core.__all__ if not hasattr(afformer_core, name)} == set()
    assert set(afformer_core.__all__) <= set(dir(afformer_core))
    with pytest.raises(AttributeError, match="'afformer_core' has no attribute 'grounding'"):
        _ = afformer_core.grounding  # type: ignore[attr-defined]


def test_a_video_is_grounded_as_the_command_does(
    shipped: Grounder, model: ArrayGrounder, folder: Path
) -> None:
    memorize_whole(read_demonstration(folder / 'turn.mp4', 8), 'expected', model)
    expected = model.ground(IMAGE, 'expected')
    shipped.set_demonstration(str(folder / 'turn.mp4'), 'turn')

    found = shipped.ground(folder / 'panel.png', 'turn')

    assert same(found, expected)
    assert found.contact_probability is not None
    assert found.found is (found.presence >= 1 / 3)


def test_frames_of_every_kind_are_those_of_a_folder(shipped: Grounder, folder: Path) -> None:
    paths = sorted((folder / 'frames').iterdir())
    frames: dict[str, Any] = {
        'array': np.stack(FRAMES),
        'arrays': FRAMES,
        'paths': paths,
        'texts': [str(path) for path in paths],
        'pillow': [PIL.Image.fromarray(frame) for frame in FRAMES],
        'generator': (frame for frame in FRAMES),
    }
    shipped.set_demonstration(folder / 'frames', 'folder')
    expected = shipped.ground(IMAGE, 'folder')

    for kind, given in frames.items():
        shipped.set_demonstration(given, kind)
        assert same(shipped.ground(IMAGE, kind), expected), kind
    assert shipped.demonstrations == ('folder', *frames)


def test_images_of_every_kind_are_the_same(shipped: Grounder, folder: Path) -> None:
    shipped.set_demonstration(FRAMES)
    expected = shipped.ground(IMAGE)

    assert expected.heatmap.shape == (140, 140)
    for image in (folder / 'panel.png', str(folder / 'panel.png'), PIL.Image.fromarray(IMAGE)):
        assert same(shipped.ground(image), expected)


def test_the_contact_is_a_pixel_of_the_first_frame(
    shipped: Grounder, model: ArrayGrounder, folder: Path
) -> None:
    whole = read_demonstration(folder / 'turn.mp4', 8)
    marked = replace(whole, contact=((61 + 0.5) / 128, (41.5 + 0.5) / 160))
    memorize_whole(marked, 'expected', model)
    shipped.set_demonstration(folder / 'turn.mp4', 'turn', contact=(61, 41.5))

    assert same(shipped.ground(IMAGE, 'turn'), model.ground(IMAGE, 'expected'))
    shipped.set_demonstration(f'{folder}/turn.mp4#contact=61,41.5', 'turn')
    assert same(shipped.ground(IMAGE, 'turn'), model.ground(IMAGE, 'expected'))


def test_the_image_that_was_grounded_is_kept(shipped: Grounder) -> None:
    shipped.set_demonstration(FRAMES)
    buffer = IMAGE.copy()
    grounding = shipped.ground(buffer)
    expected = grounding.draw()
    buffer[...] = 0

    np.testing.assert_array_equal(grounding.draw(), expected)
    np.testing.assert_array_equal(grounding.draw(IMAGE), expected)


def test_the_only_demonstration_needs_no_name(shipped: Grounder, model: ArrayGrounder) -> None:
    shipped.set_demonstration(FRAMES[:2], 'left')
    assert same(shipped.ground(IMAGE), shipped.ground(IMAGE, 'left'))
    shipped.set_demonstration(FRAMES[2:], 'right')

    with pytest.raises(DemonstrationError, match='there are 2 demonstrations: left, right; exp'):
        shipped.ground(IMAGE)
    both = shipped.ground(IMAGE, 'left', 'right', maximum_peaks=1)
    expected = model.predict(IMAGE, 'left', 'right')
    np.testing.assert_array_equal(both.probabilities, expected.probabilities)
    assert len(both.peaks) == 1
    shipped.delete_demonstration('left')
    assert same(shipped.ground(IMAGE), shipped.ground(IMAGE, 'right'))


def test_without_a_demonstration_there_is_nothing_to_ground(shipped: Grounder) -> None:
    with pytest.raises(DemonstrationError, match=r'no demonstration yet\. Set one first'):
        shipped.ground(IMAGE)
    with pytest.raises(DemonstrationError, match="no demonstration 'turn'; there are: none yet"):
        shipped.ground(IMAGE, 'turn')
    shipped.set_demonstration(FRAMES)
    with pytest.raises(ValueError, match='maximum_peaks is 0; expected at least 1'):
        shipped.ground(IMAGE, maximum_peaks=0)


@pytest.mark.parametrize(
    ('given', 'error', 'reason'),
    [
        (('absent.mp4',), VideoError, 'absent.mp4 does not exist; expected a video file'),
        ((7,), DemonstrationError, 'is of type int; expected a path or frames'),
        (([],), DemonstrationError, 'has 0 frames; expected at least 1'),
        ((IMAGE,), DemonstrationError, r'array of shape \(140, 140, 3\); expected frames of sh'),
        ((FRAMES, ''), DemonstrationError, 'name of the demonstration is empty'),
        (([*FRAMES[:2], None],), ImageError, 'frame 2 of the demonstration: the image is of type'),
        (
            ([FRAMES[0], IMAGE[:, 9:]],),
            ImageError,
            'frame 1 of the demonstration has 131x140 pixels; expected 128x160, like the first',
        ),
        ((FRAMES, 'turn', (128, 20)), DemonstrationError, 'the contact is marked at 128,20; exp'),
    ],
)
def test_what_is_no_demonstration_is_told(
    shipped: Grounder, given: tuple[Any, ...], error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        shipped.set_demonstration(*given)
    assert shipped.demonstrations == ()


def test_a_model_is_a_folder_or_the_shipped_one(matched_folder: Path) -> None:
    assert Grounder.load(matched_folder, threads=1).actions == ACTIONS
    assert Grounder.load(str(matched_folder), backend='torch', threads=1).backend == 'torch'
    description = json.loads((shipped_model_folder() / 'model.json').read_text())
    actions = tuple(description['architecture']['action_names'])
    assert Grounder.load().actions == Grounder.load('shipped').actions == actions
    with pytest.raises(ModelFolderError, match=r'nowhere/model\.json does not exist'):
        Grounder.load('nowhere')
    with pytest.raises(ValueError, match='maximum_stages is 0'):
        Grounder.load(matched_folder, maximum_stages=0)


def test_a_calibration_that_is_not_used_is_warned_of(tmp_path: Path) -> None:
    shutil.copytree(shipped_model_folder(), tmp_path, dirs_exist_ok=True)
    description = json.loads((tmp_path / 'model.json').read_text())
    description['calibration']['weights_sha256'] = 'ab12'
    (tmp_path / 'model.json').write_text(json.dumps(description))

    with pytest.warns(UserWarning, match='belongs to the weights ab12') as told:
        Grounder.load(tmp_path, threads=1)
    assert told[0].filename == __file__


def test_one_call_loads_the_shipped_model_once(
    monkeypatch: pytest.MonkeyPatch, shipped: Grounder, folder: Path
) -> None:
    loaded: list[Grounder] = []

    def load() -> Grounder:
        loaded.append(shipped)
        return shipped

    grounder._shipped_grounder.cache_clear()
    monkeypatch.setattr(Grounder, 'load', load)
    first = ground(folder / 'turn.mp4', folder / 'panel.png')
    marked = ground(folder / 'turn.mp4', IMAGE, contact=(61, 41.5))
    grounder._shipped_grounder.cache_clear()

    assert len(loaded) == 1
    shipped.set_demonstration(folder / 'turn.mp4')
    assert same(first, shipped.ground(IMAGE))
    shipped.set_demonstration(folder / 'turn.mp4', contact=(61, 41.5))
    assert same(marked, shipped.ground(IMAGE))
    assert not same(first, marked)


def test_the_likeliest_contacts_are_pixels_of_the_first_frame(
    shipped: Grounder, folder: Path, model: ArrayGrounder
) -> None:
    shipped.set_demonstration(folder / 'turn.mp4', 'turn')

    found = shipped.contacts('turn')

    height, width = FRAMES[0].shape[:2]
    memorized = model.demonstration('turn')
    rows, columns = memorized.frame_size
    assert 1 <= len(found) <= 3
    assert [one.score for one in found] == [one.score for one in memorized.contacts]
    best = memorized.contacts[0]
    assert (found[0].u + 0.5) / width == pytest.approx((best.u + 0.5) / columns, abs=1e-4)
    assert (found[0].v + 0.5) / height == pytest.approx((best.v + 0.5) / rows, abs=1e-4)
    shipped.set_demonstration(folder / 'turn.mp4', 'turn', contact=(31, 47))
    assert shipped.contacts('turn') == ()
    with pytest.raises(DemonstrationError, match="no demonstration 'press'"):
        shipped.contacts('press')


def test_the_first_frame_is_kept_at_its_size(shipped: Grounder) -> None:
    frames = np.stack(FRAMES)
    shipped.set_demonstration(frames, 'turn')
    frames[:] = 0

    assert (shipped.first_frame('turn') == FRAMES[0]).all()
    shipped.delete_demonstration('turn')
    with pytest.raises(DemonstrationError, match="no demonstration 'turn'"):
        shipped.first_frame('turn')
