# SPDX-License-Identifier: Apache-2.0
"""Model folders that are whole, and every way in which one can be unsound."""

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import file_sha256
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.graphs import export_command
from afformer_core.runtime.model_folder import description_files
from afformer_core.runtime.sessions.onnx_session import OnnxSession
from afformer_core.runtime.shipped_model import shipped_model_folder
from afformer_core.runtime.weights import load_model, save_model


def change_description(folder: Path, **changes: object) -> None:
    path = folder / 'model.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def replace_weights(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, folder / 'model.safetensors')
    change_description(folder, weights_sha256=file_sha256(folder / 'model.safetensors'))


def test_half_precision_weights_load_as_single(copied_folder: Path, tmp_path: Path) -> None:
    model = load_model(copied_folder)
    save_model(tmp_path / 'half', model, {'made_by': 'a test'}, torch.float16)
    loaded = load_model(tmp_path / 'half')

    weight = loaded.predictor.actioner.frame.weight
    assert weight.dtype == torch.float32
    assert torch.equal(weight, model.predictor.actioner.frame.weight.half().float())


def test_missing_weights(copied_folder: Path) -> None:
    (copied_folder / 'model.safetensors').unlink()
    with pytest.raises(ModelFolderError, match='does not exist'):
        load_model(copied_folder)


def test_description_that_is_not_json(copied_folder: Path) -> None:
    (copied_folder / 'model.json').write_text('{"format": ')
    with pytest.raises(ModelFolderError, match='cannot be read as JSON'):
        load_model(copied_folder)


def test_another_version(copied_folder: Path) -> None:
    change_description(copied_folder, version=99)
    with pytest.raises(ModelFolderError, match='version 99'):
        load_model(copied_folder)


@pytest.mark.parametrize(
    ('stage', 'sentence'),
    [
        ({'image_zoom': 2.0}, r"the zoom stage has the fields \['image_zoom'\]"),
        ({'demonstration_zoom': 1.5, 'image_zoom': '2'}, "image_zoom of the zoom stage is '2'"),
        ({'demonstration_zoom': 1.5, 'image_zoom': 0.0}, 'expected a number from 1 to 8'),
        (2.0, 'does not describe a model'),
    ],
)
def test_a_zoom_stage_that_cannot_be(copied_folder: Path, stage: object, sentence: str) -> None:
    change_description(copied_folder, zoom_stages=[stage])
    with pytest.raises(ModelFolderError, match=sentence):
        load_model(copied_folder)


def test_a_field_that_is_not_known_is_named(copied_folder: Path) -> None:
    change_description(copied_folder, second_look={'image_zoom': 1.8})
    with pytest.raises(ModelFolderError, match='has second_look; expected only format, '):
        load_model(copied_folder)


def test_another_architecture(copied_folder: Path) -> None:
    fields = json.loads((copied_folder / 'model.json').read_text())['architecture']
    change_description(copied_folder, architecture=fields | {'channels': 128})
    with pytest.raises(ModelFolderError, match=r'is \(96,\); expected \(128,\)'):
        load_model(copied_folder)


def test_unknown_field_of_the_architecture(copied_folder: Path) -> None:
    fields = json.loads((copied_folder / 'model.json').read_text())['architecture']
    change_description(copied_folder, architecture=fields | {'colour': 'red'})
    with pytest.raises(ModelFolderError, match='colour'):
        load_model(copied_folder)


def test_wrong_hash(copied_folder: Path) -> None:
    path = copied_folder / 'model.safetensors'
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFolderError, match='sha256'):
        load_model(copied_folder)


def test_truncated_weights(copied_folder: Path) -> None:
    path = copied_folder / 'model.safetensors'
    path.write_bytes(path.read_bytes()[:1000])
    change_description(copied_folder, weights_sha256=file_sha256(path))
    with pytest.raises(ModelFolderError, match='safetensors'):
        load_model(copied_folder)


def test_weights_that_are_not_numbers(copied_folder: Path) -> None:
    tensors = load_file(copied_folder / 'model.safetensors')
    tensors['predictor.actioner.frame.weight'][0] = float('nan')
    replace_weights(copied_folder, tensors)
    with pytest.raises(
        ModelFolderError, match=r'NaN or infinite values in predictor.actioner.frame'
    ):
        load_model(copied_folder)


def test_missing_tensor(copied_folder: Path) -> None:
    tensors = load_file(copied_folder / 'model.safetensors')
    del tensors['predictor.actioner.frame.weight']
    replace_weights(copied_folder, tensors)
    with pytest.raises(ModelFolderError, match=r'lacks 1 tensors'):
        load_model(copied_folder)


def test_graphs_that_were_not_exported(copied_folder: Path) -> None:
    (copied_folder / 'graphs.json').unlink()
    with pytest.raises(ModelFolderError, match='afformer export'):
        OnnxSession.load(copied_folder)


@pytest.mark.parametrize('version', [None, 7, 9])
def test_graphs_of_another_release(copied_folder: Path, version: int | None) -> None:
    listing = copied_folder / 'graphs.json'
    fields = json.loads(listing.read_text())
    del fields['version']
    listing.write_text(json.dumps(fields | ({} if version is None else {'version': version})))
    expected = rf'is {version}; expected 8\. Run: afformer export {re.escape(str(copied_folder))}$'
    for backend in ('auto', 'onnxruntime'):
        with pytest.raises(ModelFolderError, match=expected):
            open_networks(copied_folder, backend, 1)


def test_graphs_of_other_weights(copied_folder: Path) -> None:
    change_description(copied_folder, weights_sha256='0' * 64)
    with pytest.raises(ModelFolderError, match='other weights'):
        OnnxSession.load(copied_folder)


@pytest.mark.parametrize('backend', ['auto', 'onnxruntime'])
def test_graphs_that_other_code_exported(copied_folder: Path, backend: str) -> None:
    listing = copied_folder / 'graphs.json'
    fields = json.loads(listing.read_text())
    listing.write_text(json.dumps(fields | {'code_sha256': '0' * 64}))

    expected = (
        'exported by another version of the code that defines the network, .* '
        f'Run: afformer export {re.escape(str(copied_folder))}$'
    )
    with pytest.raises(ModelFolderError, match=expected):
        open_networks(copied_folder, backend, 1)


def test_the_command_that_exports_again_names_the_whole_model(
    matched_folder: Path, small_folder: Path
) -> None:
    assert export_command(small_folder / 'bf16', 'bf16') == (
        f'afformer export {small_folder} --precision bf16'
    )
    # The matching network is exported with the model that it belongs to.
    assert export_command(matched_folder / 'matching', 'fp32') == (
        f'afformer export {matched_folder}'
    )
    assert export_command(matched_folder / 'matching' / 'fp16', 'fp16') == (
        f'afformer export {matched_folder} --precision fp16'
    )


def test_graphs_of_another_architecture(copied_folder: Path) -> None:
    fields = json.loads((copied_folder / 'model.json').read_text())
    architecture = fields['architecture'] | {'spatial_strides': [1, 2]}
    change_description(copied_folder, architecture=architecture)
    with pytest.raises(ModelFolderError, match='were exported for another architecture'):
        OnnxSession.load(copied_folder)


def test_truncated_graph(copied_folder: Path) -> None:
    path = copied_folder / 'decode.onnx'
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelFolderError, match='altered'):
        OnnxSession.load(copied_folder)


def test_both_networks_of_the_shipped_model_are_described() -> None:
    folder = shipped_model_folder()

    assert description_files(folder) == [folder / 'model.json', folder / 'matching/model.json']
