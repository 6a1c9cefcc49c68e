# SPDX-License-Identifier: Apache-2.0
"""Model folders that are whole, and every way in which one can be unsound."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import file_sha256
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.calibrations import PresenceCalibration
from afformer_core.runtime.graphs import export_command, read_graphs
from afformer_core.runtime.model_folder import description_files, model_ingredients
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


Damage = Callable[[Path], None]
INGREDIENT = {'use': 'training data', 'source': 'lab', 'licence': 'own', 'samples': 7}
PRESENCE = PresenceCalibration(2.0, 10.0, -7.0, 0.25, 0.95, 300, 'validation.json', 'ab12')


def described(**changes: object) -> Damage:
    return lambda folder: change_description(folder, **changes)


def with_architecture(**changes: object) -> Damage:
    def damage(folder: Path) -> None:
        fields = json.loads((folder / 'model.json').read_text())['architecture']
        change_description(folder, architecture=fields | changes)

    return damage


def with_presence(**changes: object) -> Damage:
    return described(calibration=PRESENCE.to_json() | changes)


def with_weight(value: float | None) -> Damage:
    """Replace a weight, or remove its tensor."""

    def damage(folder: Path) -> None:
        tensors = load_file(folder / 'model.safetensors')
        if value is None:
            del tensors['predictor.actioner.frame.weight']
        else:
            tensors['predictor.actioner.frame.weight'][0] = value
        replace_weights(folder, tensors)

    return damage


def with_other_hash(folder: Path) -> None:
    content = bytearray((folder / 'model.safetensors').read_bytes())
    content[-1] ^= 1
    (folder / 'model.safetensors').write_bytes(content)


def truncated(folder: Path) -> None:
    path = folder / 'model.safetensors'
    path.write_bytes(path.read_bytes()[:1000])
    change_description(folder, weights_sha256=file_sha256(path))


@pytest.mark.parametrize(
    ('damage', 'sentence'),
    [
        (lambda folder: (folder / 'model.safetensors').unlink(), 'does not exist'),
        (lambda folder: (folder / 'model.json').write_text('{"format": '), 'is not JSON'),
        (described(version=99), 'version 99'),
        (described(second_look={}), 'has second_look; expected only format, '),
        (
            described(zoom_stages=[{'image_zoom': 2.0}]),
            r"the zoom stage has the fields \['image_zoom'\]",
        ),
        (
            described(zoom_stages=[{'demonstration_zoom': 1.5, 'image_zoom': '2'}]),
            "image_zoom of the zoom stage is '2'",
        ),
        (described(zoom_stages=[2.0]), 'does not describe a model'),
        (described(certainty={'slope': 1}), 'certainty'),
        (
            described(training={'trained_on': [{**INGREDIENT, 'use': 'fun'}]}),
            "use is 'fun'; expected one of training data",
        ),
        (with_presence(threshold=1.5), 'threshold of the calibration is 1.5'),
        (with_presence(confidence=-0.1), 'confidence of the calibration is -0.1'),
        (with_presence(intercept=math.nan), 'intercept of the calibration is nan'),
        (with_presence(feature_similarity='10'), "similarity .* is '10'; expected a number"),
        (with_presence(feature_similarity=math.inf), 'similarity of the calibration is inf'),
        (with_presence(pairs=0), 'pairs of the calibration is 0'),
        (with_presence(pairs=True), 'pairs .* is True; expected a whole number'),
        (with_presence(colour=1.0), 'calibration has .*colour'),
        *((described(calibration=each), 'does not describe a model') for each in ({}, [], 'good')),
        (with_architecture(channels=128), r'is \(96,\); expected \(128,\)'),
        (with_architecture(colour='red'), 'colour'),
        (with_other_hash, 'sha256'),
        (truncated, 'safetensors'),
        (with_weight(float('nan')), r'NaN or infinite values in predictor.actioner.frame'),
        (with_weight(None), 'lacks 1 tensors'),
    ],
)
def test_a_folder_that_is_damaged(copied_folder: Path, damage: Damage, sentence: str) -> None:
    damage(copied_folder)
    with pytest.raises(ModelFolderError, match=sentence):
        load_model(copied_folder)


def cut_off(folder: Path) -> None:
    (folder / 'decode.onnx').write_bytes((folder / 'decode.onnx').read_bytes()[:5000])


@pytest.mark.parametrize(
    ('damage', 'sentence'),
    [
        (lambda folder: (folder / 'graphs.json').unlink(), 'afformer export'),
        (described(weights_sha256='0' * 64), 'other weights'),
        (with_architecture(spatial_strides=[1, 2]), 'were exported for another architecture'),
        (cut_off, 'altered'),
    ],
)
def test_graphs_that_do_not_belong_to_it(
    copied_folder: Path, damage: Damage, sentence: str
) -> None:
    damage(copied_folder)
    with pytest.raises(ModelFolderError, match=sentence):
        OnnxSession(read_graphs(copied_folder))


@pytest.mark.parametrize('backend', ['auto', 'onnxruntime'])
@pytest.mark.parametrize('version', [None, 8, 10])
def test_graphs_of_another_release(copied_folder: Path, version: int | None, backend: str) -> None:
    listing = copied_folder / 'graphs.json'
    fields = json.loads(listing.read_text()) | {'version': version}
    known = {name: value for name, value in fields.items() if value is not None}
    listing.write_text(json.dumps(known))
    command = rf'Run: afformer export {re.escape(str(copied_folder))}$'
    with pytest.raises(ModelFolderError, match=rf'is {version}; expected 9\. {command}'):
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


def test_both_networks_of_the_shipped_model_are_described() -> None:
    folder = shipped_model_folder()

    assert description_files(folder) == [folder / 'model.json', folder / 'matching/model.json']


def test_a_model_that_does_not_tell_is_of_unknown_licence(small_folder: Path) -> None:
    (told,) = model_ingredients(small_folder)

    assert (told.origin.source, told.origin.licence) == ('training of small', 'unknown')


def test_the_shipped_model_is_made_of_permissive_data_and_weights() -> None:
    ingredients = model_ingredients(shipped_model_folder())

    assert {ingredient.origin.terms for ingredient in ingredients} == {'permissive'}
    samples = {ingredient.origin.source: ingredient.samples for ingredient in ingredients}
    assert samples['afformer simulate'] == 269_123
