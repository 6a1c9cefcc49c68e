# SPDX-License-Identifier: Apache-2.0
"""Graphs of the shipped model are exported once and found by every copy of the package."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from afformer_core.cli.main import main
from afformer_core.files.private_files import (
    UntrustedWriterError,
    let_all_users_read,
    make_private_folder,
)
from afformer_core.runtime import ArrayGrounder, shipped_model, shipped_model_folder

GRAPHS = (
    'encode_frames.onnx',
    'memorize.onnx',
    'encode_image.onnx',
    'decode.onnx',
    'graphs.json',
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of the user."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'afformer'


@pytest.fixture(autouse=True)
def machine_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of the machine, which all users read."""
    folder = tmp_path / 'var' / 'cache' / 'afformer'
    monkeypatch.setattr(shipped_model, 'machine_cache_folder', lambda: folder)
    return folder


@pytest.fixture
def package(
    small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Lets a copy of the package, by its name, be the one that runs; gives its model's folder."""

    def use(name: str) -> Path:
        folder = tmp_path / name / 'afformer_small'
        if not folder.is_dir():
            folder.mkdir(parents=True)
            for file in ('model.json', 'model.safetensors'):
                shutil.copy(small_folder / file, folder)
        monkeypatch.setattr(shipped_model, '_own_folder', lambda: folder)
        return folder

    return use


def _bring_graphs(small_folder: Path, folder: Path) -> None:
    for path in small_folder.iterdir():
        shutil.copy(path, folder)


def test_without_graphs_it_is_the_packages_own(package):
    own = package('pip')
    assert shipped_model_folder() == own
    assert ArrayGrounder.load(shipped_model_folder()).backend == 'torch'


@pytest.mark.slow
def test_what_one_copy_of_the_package_exports_another_finds(package, cache, capsys):
    of_pip = package('pip')
    assert main(['export']) == 0
    assert sorted(path.name for path in of_pip.iterdir()) == ['model.json', 'model.safetensors']
    package('colcon')
    folder = shipped_model_folder()
    assert folder.parent == cache / 'models'
    assert str(folder) in capsys.readouterr().out
    assert all((folder / name).is_file() for name in GRAPHS)
    assert ArrayGrounder.load(folder).backend == 'onnxruntime'


def test_graphs_of_its_own_go_first_and_are_exported_there(package, small_folder):
    package('pip')
    _bring_graphs(small_folder, shipped_model.shipped_model_to_export())
    own = package('source')
    _bring_graphs(small_folder, own)
    assert shipped_model_folder() == own
    assert shipped_model.shipped_model_to_export() == own


def test_another_description_is_another_model(package, small_folder):
    own = package('pip')
    _bring_graphs(small_folder, shipped_model.shipped_model_to_export())
    assert shipped_model_folder() != own
    description = own / 'model.json'
    description.write_text(description.read_text().replace('"training": {', '"training": {"a": 1'))
    assert shipped_model_folder() == own


@pytest.mark.parametrize('name', ['decode.onnx', 'graphs.json'])
def test_graphs_that_are_not_whole_are_passed_over(package, small_folder, name):
    own = package('pip')
    copy = shipped_model.shipped_model_to_export()
    _bring_graphs(small_folder, copy)
    assert shipped_model_folder() == copy
    (copy / name).write_bytes(b'{}')
    assert shipped_model_folder() == own


def test_a_copy_that_others_may_write_is_passed_over_and_not_exported_into(package, small_folder):
    own = package('pip')
    copy = shipped_model.shipped_model_to_export()
    assert copy.stat().st_mode & 0o777 == 0o700
    _bring_graphs(small_folder, copy)
    copy.chmod(0o777)
    assert shipped_model_folder() == own
    with pytest.raises(UntrustedWriterError, match=r'mode of .* is 0777; expected'):
        shipped_model.shipped_model_to_export()


def test_the_copy_of_the_machine_goes_after_that_of_the_user_which_begins_with_its_graphs(
    package, small_folder, cache
):
    own = package('pip')
    shared = shipped_model.shipped_model_to_share()
    assert shipped_model_folder() == own
    _bring_graphs(small_folder, shared)
    assert shipped_model_folder() == shared
    copy = shipped_model.shipped_model_to_export()
    assert copy.parent == cache / 'models'
    assert shipped_model_folder() == copy
    shutil.rmtree(copy)
    (shared / 'decode.onnx').chmod(0o666)
    assert shipped_model_folder() == own


@pytest.mark.skipif(os.geteuid() != 0, reason='only root becomes another user')
def test_a_user_whose_home_is_anothers_finds_the_copy_of_the_machine(
    small_folder, cache, monkeypatch
):
    """As in a container that is started with another user than the one it was built by."""
    make_private_folder(cache)
    with tempfile.TemporaryDirectory() as name:
        # Unlike the folder of the test's own, one that other users may enter.
        machine = Path(name)
        machine.chmod(0o755)
        own = shutil.copytree(
            small_folder, machine / 'afformer_small', ignore=shutil.ignore_patterns('*.onnx', 'g*')
        )
        monkeypatch.setattr(shipped_model, '_own_folder', lambda: own)
        monkeypatch.setattr(shipped_model, 'machine_cache_folder', lambda: machine / 'cache')
        shared = shipped_model.shipped_model_to_share()
        _bring_graphs(small_folder, shared)
        let_all_users_read(shared)
        os.seteuid(4711)
        try:
            assert shipped_model_folder() == shared
        finally:
            os.seteuid(0)


def test_it_has_a_name_where_a_folder_is_asked_for(package: Callable[[str], Path]) -> None:
    folder = package('installed')
    assert shipped_model.model_folder(Path('shipped')) == folder
    assert shipped_model.model_folder(Path('models/shipped')) == Path('models/shipped')
