# SPDX-License-Identifier: Apache-2.0
"""A model on disk: one folder of `model.json`, `model.safetensors` and exported graphs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import file_sha256, write_aside
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.presence import PresenceCalibration

FORMAT = 'afformer-model'
VERSION = 1
DESCRIPTION_FILE = 'model.json'
WEIGHTS_FILE = 'model.safetensors'
_FIELDS = (
    'format',
    'version',
    'architecture',
    'weights_sha256',
    'training',
    'calibration',
    'zoom_stages',
)


@dataclass(frozen=True)
class ModelDescription:
    """The content of `model.json`.

    Attributes:
        configuration: the architecture.
        weights_sha256: hash of `model.safetensors`, in hexadecimal.
        training: how the weights were made, on what data, and their measured limits; free form.
        calibration: calibration of presence; None where there is none. It may belong to other
            weights, those that training began with (see `valid_calibration`).
        zoom_stages: the zoom stages, in order; empty for none.
    """

    configuration: AfformerConfiguration
    weights_sha256: str
    training: Mapping[str, Any]
    calibration: PresenceCalibration | None = None
    zoom_stages: tuple[ZoomStage, ...] = ()

    @property
    def valid_calibration(self) -> PresenceCalibration | None:
        """The calibration if it was fitted on these weights, else None."""
        calibration = self.calibration
        if calibration is None or calibration.weights_sha256 != self.weights_sha256:
            return None
        return calibration

    def calibration_problem(self, folder: Path) -> str:
        """Say why the calibration is not used, and what to do; empty if it is used or missing.

        Args:
            folder: folder of the model.
        """
        if self.calibration is None or self.valid_calibration is not None:
            return ''
        return (
            f'the calibration of {folder} belongs to the weights '
            f'{self.calibration.weights_sha256[:12]}; expected {self.weights_sha256[:12]}, its '
            'own, without which presence is unknown. Fit it again on pairs of at least two '
            f'elements: afformer evaluate {folder} --annotations PAIRS --calibrate'
        )


def read_description(folder: Path) -> ModelDescription:
    """Read and check `model.json`.

    Raises:
        ModelFolderError: there is no such folder or file, it is not JSON, has another format or
            version, or an invalid architecture, calibration or zoom stage.
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
            f'{path} has {", ".join(unknown)}; expected none but {", ".join(_FIELDS)}. Remove '
            'what is not among them, or write the model again'
        )
    calibration, stages = fields.get('calibration'), fields.get('zoom_stages', [])
    try:
        return ModelDescription(
            AfformerConfiguration.from_json(fields['architecture']),
            str(fields['weights_sha256']),
            dict(fields['training']),
            None if calibration is None else PresenceCalibration.from_json(calibration),
            tuple(ZoomStage.from_json(stage) for stage in stages),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(f'{path} does not describe a model: {error}') from error


def checked_weights_path(folder: Path, description: ModelDescription) -> Path:
    """Return the path of the weights after comparing their hash with the description's.

    Raises:
        ModelFolderError: the file is missing or has another hash.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise ModelFolderError(
            f'{path} does not exist; expected the weights of the model. Copy the folder again, '
            'whole'
        )
    found = file_sha256(path)
    if found != description.weights_sha256:
        raise ModelFolderError(
            f'the sha256 of {path} is {found[:12]}...; expected '
            f'{description.weights_sha256[:12]}... as in {DESCRIPTION_FILE}. Copy the folder '
            'again, whole'
        )
    return path


def write_description(folder: Path, description: ModelDescription) -> None:
    """Write `model.json`, whole or not at all."""
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
    write_aside(folder / DESCRIPTION_FILE, (json.dumps(fields, indent=2) + '\n').encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file of a model folder.

    Raises:
        ModelFolderError: there is no such file, or it holds something else.
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
            f'{path} holds {type(fields).__name__}; expected a JSON object. Copy the folder again'
        )
    return fields
