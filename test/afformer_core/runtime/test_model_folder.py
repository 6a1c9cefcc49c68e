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


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({'version': 99}, 'version 99'),
        ({'second_look': {'image_zoom': 1.8}}, 'has second_look; expected only format, '),
        (
            {'zoom_stages': [{'image_zoom': 2.0}]},
            r"the zoom stage has the fields \['image_zoom'\]",
        ),
        (
            {'zoom_stages': [{'demonstration_zoom': 1.5, 'image_zoom': '2'}]},
            "image_zoom of the zoom stage is '2'",
        ),
        ({'zoom_stages': [2.0]}, 'does not describe a model'),
    ],
)
def test_a_description_that_cannot_be(
    copied_folder: Path, changes: dict[str, object], sentence: str
) -> None:
    change_description(copied_folder, **changes)
    with pytest.raises(ModelFolderError, match=sentence):
        load_model(copied_folder)


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [({'channels': 128}, r'is \(96,\); expected \(128,\)'), ({'colour': 'red'}, 'colour')],
)
def test_another_architecture(
    copied_folder: Path, changes: dict[str, object], sentence: str
) -> None:
    fields = json.loads((copied_folder / 'model.json').read_text())['architecture']
    change_description(copied_folder, architecture=fields | changes)
    with pytest.raises(ModelFolderError, match=sentence):
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


@pytest.mark.parametrize('backend', ['auto', 'onnxruntime'])
@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'version': None}, r'is None; expected 9\.'),
        ({'version': 8}, r'is 8; expected 9\.'),
        ({'version': 10}, r'is 10; expected 9\.'),
        (
            {'code_sha256': '0' * 64},
            'exported by another version of the code that defines the network, .*',
        ),
    ],
)
def test_graphs_of_another_release(
    copied_folder: Path, changes: dict[str, object], reason: str, backend: str
) -> None:
    listing = copied_folder / 'graphs.json'
    fields = json.loads(listing.read_text()) | changes
    known = {name: value for name, value in fields.items() if value is not None}
    listing.write_text(json.dumps(known))
    command = rf'Run: afformer export {re.escape(str(copied_folder))}$'
    with pytest.raises(ModelFolderError, match=f'{reason} {command}'):
        open_networks(copied_folder, backend, 1)


def test_graphs_of_other_weights(copied_folder: Path) -> None:
    change_description(copied_folder, weights_sha256='0' * 64)
    with pytest.raises(ModelFolderError, match='other weights'):
        OnnxSession.load(copied_folder)


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
