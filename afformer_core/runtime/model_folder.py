# SPDX-License-Identifier: Apache-2.0
"""A model on disk: a folder with `model.json`, `model.safetensors` and exported graphs.

A matching network is a model folder of its own, in the subfolder `matching`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import file_sha256, write_aside
from afformer_core.licences import Ingredient, Origin, ingredients_in, merged
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.matching.certainty import CertaintyCalibration
from afformer_core.runtime.matching.joined_features import JoinedFeatures
from afformer_core.runtime.matching.weighing import Matching
from afformer_core.runtime.presence import PresenceCalibration

FORMAT = 'afformer-model'
VERSION = 1
DESCRIPTION_FILE = 'model.json'
WEIGHTS_FILE = 'model.safetensors'
MATCHING_FOLDER = 'matching'
EXEMPLARS_FILE = 'exemplars.safetensors'
_FIELDS = (
    'format',
    'version',
    'architecture',
    'weights_sha256',
    'training',
    'calibration',
    'zoom_stages',
    'matching',
    'certainty',
)


@dataclass(frozen=True)
class ModelDescription:
    """The content of `model.json`.

    Attributes:
        configuration: the architecture.
        weights_sha256: hash of `model.safetensors`, in hexadecimal.
        training: commands, data and measured limits of the weights; free form except for
            `trained_on` (see `ingredients`).
        calibration: calibration of presence; None if there is none. It may belong to the weights
            from which training started (see `valid_calibration`).
        zoom_stages: the zoom stages, in order; empty for none.
        matching: the matching network in the subfolder; None if there is none.
        certainty: calibration of certainty, for which the same holds (see `valid_certainty`).

    Raises:
        KeyError, TypeError, ValueError: `trained_on` is malformed.
    """

    configuration: AfformerConfiguration
    weights_sha256: str
    training: Mapping[str, Any]
    calibration: PresenceCalibration | None = None
    zoom_stages: tuple[ZoomStage, ...] = ()
    matching: Matching | None = None
    certainty: CertaintyCalibration | None = None

    def __post_init__(self) -> None:
        ingredients_in(self.training)

    @property
    def ingredients(self) -> tuple[Ingredient, ...]:
        """The data and weights from which the model was made; empty if `trained_on` is missing."""
        return ingredients_in(self.training)

    @property
    def all_weights_sha256(self) -> str:
        """Hash of all weights, in hexadecimal; with a matching network, it includes its hashes."""
        matching = self.matching
        if matching is None:
            return self.weights_sha256
        joined = self.weights_sha256 + matching.weights_sha256 + matching.exemplars_sha256
        return hashlib.sha256(joined.encode()).hexdigest()

    @property
    def valid_calibration(self) -> PresenceCalibration | None:
        """The calibration if it was fitted for these weights, or None."""
        calibration = self.calibration
        if calibration is None or calibration.weights_sha256 != self.all_weights_sha256:
            return None
        return calibration

    @property
    def valid_certainty(self) -> CertaintyCalibration | None:
        """The calibration of certainty if it was fitted for these weights, or None."""
        certainty = self.certainty
        if certainty is None or certainty.weights_sha256 != self.all_weights_sha256:
            return None
        return certainty

    def calibration_problem(self, folder: Path) -> str:
        """Explain why the calibration is not used, and what to do; empty if it is used or missing.

        Args:
            folder: folder of the model.
        """
        if self.calibration is None or self.valid_calibration is not None:
            return ''
        found, own = self.calibration.weights_sha256[:12], self.all_weights_sha256[:12]
        return (
            f'the calibration of {folder} belongs to the weights {found}; expected {own}, its '
            'own, without which presence is unknown. Fit it again on pairs of at least two '
            f'elements: afformer evaluate {folder} --annotations PAIRS --calibrate'
        )


def read_description(folder: Path) -> ModelDescription:
    """Read and check `model.json`.

    Raises:
        ModelFolderError: there is no such folder or file, it is not JSON, has another format or
            version, or an invalid architecture, calibration, zoom stage or matching.
    """
    path = folder / DESCRIPTION_FILE
    fields = read_json(path)
    if fields.get('format') != FORMAT or fields.get('version') != VERSION:
        raise ModelFolderError(
            f'{path} is format {fields.get("format")!r} version {fields.get("version")!r}; '
            f'expected {FORMAT!r} version {VERSION}. Export the model again with this release'
        )
    if unknown := sorted(set(fields) - set(_FIELDS)):
        raise ModelFolderError(
            f'{path} has {", ".join(unknown)}; expected only {", ".join(_FIELDS)}. Remove the '
            'others, or write the model again'
        )
    calibration, stages = fields.get('calibration'), fields.get('zoom_stages', [])
    matching, certainty = fields.get('matching'), fields.get('certainty')
    try:
        return ModelDescription(
            AfformerConfiguration.from_json(fields['architecture']),
            str(fields['weights_sha256']),
            dict(fields['training']),
            None if calibration is None else PresenceCalibration.from_json(calibration),
            tuple(ZoomStage.from_json(stage) for stage in stages),
            None if matching is None else Matching.from_json(matching),
            None if certainty is None else CertaintyCalibration.from_json(certainty),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(f'{path} does not describe a model: {error}') from error


def model_ingredients(folder: Path) -> tuple[Ingredient, ...]:
    """Return the ingredients of a model; without a list, one ingredient of unknown licence.

    Raises:
        ModelFolderError: the folder contains no valid description.
    """
    found: list[Ingredient] = []
    for each in network_folders(folder):
        told = read_description(each).ingredients
        found += told or (Ingredient('training data', Origin(f'training of {folder.name}')),)
    return merged(found)


def joined_features(folder: Path, description: ModelDescription) -> JoinedFeatures | None:
    """Read the subfolder of the matching network; None if the model has none.

    Raises:
        ModelFolderError: it is missing, its weights do not match the description, or it does not
            fit the decoder.
    """
    if description.matching is None:
        return None
    path = folder / MATCHING_FOLDER
    beside = read_description(path)
    if beside.weights_sha256 != description.matching.weights_sha256:
        raise ModelFolderError(
            f'the matching network in {path} has the weights {beside.weights_sha256[:12]}; '
            f'expected {description.matching.weights_sha256[:12]}. Copy the whole folder again'
        )
    try:
        return JoinedFeatures(description.configuration, beside.configuration)
    except ValueError as error:
        raise ModelFolderError(f'{path} does not fit {folder}: {error}') from error


def checked_weights_path(folder: Path, description: ModelDescription) -> Path:
    """Return the path of the weights after comparing their hash with the description's.

    Raises:
        ModelFolderError: the file is missing or has another hash.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise ModelFolderError(
            f'{path} does not exist; expected the weights of the model. Copy the whole folder '
            'again'
        )
    found = file_sha256(path)
    if found != description.weights_sha256:
        raise ModelFolderError(
            f'the sha256 of {path} is {found[:12]}...; expected '
            f'{description.weights_sha256[:12]}... as in {DESCRIPTION_FILE}. Copy the whole '
            'folder again'
        )
    return path


def network_folders(folder: Path) -> tuple[Path, ...]:
    """Return the folders of a model's networks: its own, and its matching network's if any.

    Raises:
        ModelFolderError: the folder contains no valid description.
    """
    matching = read_description(folder).matching
    return (folder,) if matching is None else (folder, folder / MATCHING_FOLDER)


def copy_matching(source: Path, folder: Path) -> None:
    """Copy the matching network of one model to another, if there is one that fits.

    Its exemplars are copied too.

    Raises:
        ModelFolderError: the source contains no valid description, or lacks a file.
    """
    matching, description = read_description(source).matching, read_description(folder)
    if matching is None:
        return
    beside = read_description(source / MATCHING_FOLDER)
    try:
        JoinedFeatures(description.configuration, beside.configuration)
    except ValueError:
        return
    weights = checked_weights_path(source / MATCHING_FOLDER, beside)
    target = folder / MATCHING_FOLDER
    target.mkdir(exist_ok=True)
    write_aside(target / WEIGHTS_FILE, weights.read_bytes())
    write_description(target, beside)
    if matching.exemplars_sha256:
        try:
            write_aside(folder / EXEMPLARS_FILE, (source / EXEMPLARS_FILE).read_bytes())
        except FileNotFoundError as error:
            raise ModelFolderError(
                f'{source / EXEMPLARS_FILE} does not exist. Copy the whole folder again'
            ) from error
    write_description(folder, replace(description, matching=matching))


def write_description(folder: Path, description: ModelDescription) -> None:
    """Write `model.json` atomically."""
    fields = {
        'format': FORMAT,
        'version': VERSION,
        'architecture': description.configuration.to_json(),
        'weights_sha256': description.weights_sha256,
        'training': dict(description.training),
    }
    if description.calibration is not None:
        fields['calibration'] = description.calibration.to_json()
    if description.zoom_stages:
        fields['zoom_stages'] = [stage.to_json() for stage in description.zoom_stages]
    if description.matching is not None:
        fields['matching'] = description.matching.to_json()
    if description.certainty is not None:
        fields['certainty'] = description.certainty.to_json()
    write_aside(folder / DESCRIPTION_FILE, (json.dumps(fields, indent=2) + '\n').encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file of a model folder.

    Raises:
        ModelFolderError: there is no such file, or it does not contain an object.
    """
    try:
        fields = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise ModelFolderError(
            f'{path} does not exist; expected a model folder with {DESCRIPTION_FILE} and '
            f'{WEIGHTS_FILE}'
        ) from error
    except (OSError, ValueError) as error:
        raise ModelFolderError(f'{path} cannot be read as JSON: {error}') from error
    if not isinstance(fields, dict):
        raise ModelFolderError(
            f'{path} contains {type(fields).__name__}; expected a JSON object. Copy the folder '
            'again'
        )
    return fields
