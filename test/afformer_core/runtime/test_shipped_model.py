# SPDX-License-Identifier: Apache-2.0
"""The shipped model, and the user's copy where nobody may write to the package's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from afformer_core.files.private_files import UntrustedWriterError
from afformer_core.runtime import ArrayGrounder, shipped_model, shipped_model_folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of the user."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path / 'cache' / 'afformer'


@pytest.fixture
def own(small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the package, to which nobody may write."""
    folder = shutil.copytree(small_folder, tmp_path / 'package' / 'afformer_small')
    monkeypatch.setattr(shipped_model, '_own_folder', lambda: folder)
    monkeypatch.setattr('os.access', lambda path, mode: False)
    return folder


def test_it_is_grounded_with_its_own_graphs(own: Path) -> None:
    assert shipped_model_folder() == own
    assert ArrayGrounder.load(own).backend == 'onnxruntime'


def test_graphs_are_exported_into_a_folder_that_is_writable(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('os.access', lambda path, mode: path == own)
    assert shipped_model.model_folder_to_export('shipped') == own


def test_graphs_are_exported_into_a_private_copy_otherwise(own: Path, cache: Path) -> None:
    copy = shipped_model.shipped_model_to_export()
    assert copy.parent == cache / 'models'
    assert copy.stat().st_mode & 0o777 == 0o700
    assert [*copy.parent.iterdir()] == [copy]
    (copy / 'fp16').mkdir()
    assert shipped_model.shipped_model_to_export() == shipped_model_folder() == copy
    assert (copy / 'fp16').is_dir()


def test_another_description_is_another_model(own: Path) -> None:
    copy = shipped_model.shipped_model_to_export()
    assert shipped_model_folder() == copy
    description = own / 'model.json'
    description.write_text(description.read_text().replace('"training": {', '"training": {"a": 1'))
    assert shipped_model_folder() == own


@pytest.mark.parametrize('name', ['decode.onnx', 'graphs.json', 'model.safetensors'])
def test_a_damaged_copy_is_passed_over_and_made_again(own: Path, name: str) -> None:
    copy = shipped_model.shipped_model_to_export()
    (copy / name).write_bytes(b'{}')
    assert shipped_model_folder() == own
    assert shipped_model.shipped_model_to_export() == shipped_model_folder() == copy
    assert (copy / name).read_bytes() == (own / name).read_bytes()


def test_a_copy_that_others_may_write_is_passed_over_and_not_used(own: Path) -> None:
    copy = shipped_model.shipped_model_to_export()
    copy.chmod(0o777)
    assert shipped_model_folder() == own
    copy.parent.chmod(0o777)
    with pytest.raises(UntrustedWriterError, match=r'mode of .* is 0777; expected'):
        shipped_model.shipped_model_to_export()


@pytest.mark.parametrize(('name', 'is_own'), [('shipped', True), ('models/shipped', False)])
def test_it_has_a_name_where_a_folder_is_asked_for(own: Path, name: str, is_own: bool) -> None:
    assert shipped_model.model_folder(Path(name)) == (own if is_own else Path(name))
