# SPDX-License-Identifier: Apache-2.0
"""MediaPipe's hand model is made of its package, by pip or from a file, or not at all."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from afformer_core.cli.main import main
from afformer_core.hands import hand_model

_PALM = 'mediapipe/modules/palm_detection/palm_detection_full.tflite'
_LANDMARKS = 'mediapipe/modules/hand_landmark/hand_landmark_full.tflite'
_CONTENT = {_PALM: b'palm network', _LANDMARKS: b'landmark network'}


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in which the networks are a few bytes, which are taken for the known ones."""
    known = tuple(
        replace(network, sha256=hashlib.sha256(_CONTENT[network.name_in_package]).hexdigest())
        for network in hand_model._NETWORKS
    )
    monkeypatch.setattr(hand_model, '_NETWORKS', known)
    return _write_wheel(tmp_path / 'wheels', _CONTENT)


def _write_wheel(folder: Path, content: dict[str, bytes]) -> Path:
    folder.mkdir()
    path = folder / 'mediapipe-0.10.14-cp311-cp311-manylinux2014_x86_64.whl'
    information = 'mediapipe-0.10.14.dist-info'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, each in content.items():
            archive.writestr(name, each)
        archive.writestr(
            f'{information}/METADATA', 'Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.14\n'
        )
        archive.writestr(
            f'{information}/WHEEL',
            'Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux2014_x86_64\n',
        )
        archive.writestr(f'{information}/RECORD', '')
    return path


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Lets pip see one folder of packages and nothing else."""

    def see(folder: Path) -> None:
        monkeypatch.setenv('PIP_CONFIG_FILE', '/dev/null')
        monkeypatch.setenv('PIP_NO_INDEX', '1')
        monkeypatch.setenv('PIP_FIND_LINKS', str(folder))

    return see


def test_pip_downloads_the_package_for_any_python(
    wheel: Path, offline: Callable[[Path], None], tmp_path: Path
) -> None:
    offline(wheel.parent)
    output = tmp_path / 'models' / 'hand_landmarker.task'
    assert main(['fetch-hand-model', str(output)]) == 0
    with zipfile.ZipFile(output) as task:
        assert task.read('hand_detector.tflite') == b'palm network'
        assert task.read('hand_landmarks_detector.tflite') == b'landmark network'


def test_what_pip_says_when_it_cannot(
    offline: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offline(tmp_path)
    output = tmp_path / 'hand_landmarker.task'
    assert main(['fetch-hand-model', str(output)]) == 1
    error = capsys.readouterr().err
    assert 'pip cannot download mediapipe==0.10.14: ERROR: No matching distribution' in error
    assert '--from' in error
    assert not output.exists()


def test_mediapipe_finds_the_networks_uncompressed_and_aligned(
    wheel: Path, tmp_path: Path
) -> None:
    output = tmp_path / 'hand_landmarker.task'
    hand_model.fetch_hand_model(output, str(wheel))
    content = output.read_bytes()
    assert content.index(b'palm network') % 4 == 0
    assert content.index(b'landmark network') % 4 == 0
    with zipfile.ZipFile(output) as task:
        assert task.testzip() is None
        assert task.namelist() == ['hand_detector.tflite', 'hand_landmarks_detector.tflite']


def test_a_model_file_is_a_source_too_and_gives_the_same_bytes(
    wheel: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / 'first.task', tmp_path / 'second.task'
    hand_model.fetch_hand_model(first, str(wheel))
    hand_model.fetch_hand_model(second, str(first))
    assert second.read_bytes() == first.read_bytes()


def test_the_published_model_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'published').write_bytes(b'published')
    digest = hashlib.sha256(b'published').hexdigest()
    monkeypatch.setattr(hand_model, '_PUBLISHED_SHA256', digest)
    source = str(tmp_path / 'published')
    assert main(['fetch-hand-model', str(tmp_path / 'a.task'), '--from', source]) == 0
    assert (tmp_path / 'a.task').read_bytes() == b'published'


@pytest.mark.parametrize('installed', [True, False])
def test_mediapipe_itself_is_asked_for_before_the_download(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    installed: bool,
) -> None:
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: name if installed else None)
    source = str(tmp_path / 'nowhere.whl')
    assert main(['fetch-hand-model', str(tmp_path / 'a.task'), '--from', source]) == 1
    lines = capsys.readouterr().err.splitlines()
    asked = (
        'afformer: MediaPipe, which uses the model, is not installed. Run '
        "`pip install '.[hands]'` in a clone of this project, or with its wheel "
        "`pip install 'afformer-VERSION-py3-none-any.whl[hands]'`"
    )
    assert (lines[0] == asked) is not installed
    assert 'cannot be read' in lines[-1]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({**_CONTENT, _PALM: b'altered'}, 'sha256 of hand_detector.tflite in .* is .*; expected'),
        ({_PALM: b'palm network'}, 'holds no mediapipe/modules/hand_landmark'),
    ],
)
def test_another_package(
    wheel: Path, tmp_path: Path, content: dict[str, bytes], message: str
) -> None:
    other = _write_wheel(tmp_path / 'other', content)
    output = tmp_path / 'hand_landmarker.task'
    output.write_bytes(b'older model')
    with pytest.raises(hand_model.HandModelError, match=message):
        hand_model.fetch_hand_model(output, str(other))
    assert output.read_bytes() == b'older model'


def test_the_users_cache_is_made_for_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheel: Path
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    before = os.umask(0o002)
    try:
        hand_model.fetch_hand_model(hand_model.kept_hand_model(), str(wheel))
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / 'cache' / 'afformer').stat().st_mode) == 0o700


def test_what_is_no_package_at_all(tmp_path: Path) -> None:
    (tmp_path / 'page.html').write_bytes(b'<html>not found</html>')
    with pytest.raises(hand_model.HandModelError, match='neither a package of MediaPipe nor'):
        hand_model.fetch_hand_model(tmp_path / 'a.task', str(tmp_path / 'page.html'))


@pytest.mark.parametrize('source', ['absent.whl', 'http://127.0.0.1:9/hand_landmarker.task'])
def test_a_source_that_cannot_be_reached(tmp_path: Path, source: str) -> None:
    with pytest.raises(hand_model.HandModelError, match=f'{source} cannot be read'):
        hand_model.fetch_hand_model(tmp_path / 'a.task', source)


def test_a_name_that_nothing_takes_for_a_hand_model(tmp_path: Path) -> None:
    with pytest.raises(hand_model.HandModelError, match=r'expected one ending in \.task'):
        hand_model.fetch_hand_model(tmp_path / 'model.zip')
