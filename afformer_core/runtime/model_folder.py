# SPDX-License-Identifier: Apache-2.0
"""A model on disk: a folder with `model.json`, `model.safetensors` and exported graphs.

A matching network has a folder of the same kind, the subfolder `matching`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from safetensors import SafetensorError
from safetensors.numpy import load, save

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import file_sha256, write_aside
from afformer_core.licences import Ingredient, Origin, ingredients_in, merged
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.runtime.calibrations import (
    Calibrations,
    CertaintyCalibration,
    DecoderCertainty,
    JsonFields,
    MatchingSettings,
    PresenceCalibration,
)
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.matching.matching import Exemplars

FORMAT = 'afformer-model'
MATCHING_FORMAT = 'afformer-matching'
VERSION = 1
DESCRIPTION_FILE = 'model.json'
WEIGHTS_FILE = 'model.safetensors'
MATCHING_FOLDER = 'matching'
EXEMPLARS_FILE = 'exemplars.safetensors'
DECODER_GRAPHS = ('encode_frames', 'memorize', 'encode_image', 'decode')
"""Names of the exported graphs of a model."""
MATCHING_GRAPHS = ('encode', 'find_contact')
"""Names of the exported graphs of a matching network."""
_COMMON_FIELDS = ('format', 'version', 'architecture', 'weights_sha256', 'training')
_PARTS: dict[str, type[JsonFields]] = {
    'calibration': PresenceCalibration,
    'zoom_stages': ZoomStage,
    'matching': MatchingSettings,
    'certainty': CertaintyCalibration,
    'decoder_certainty': DecoderCertainty,
}
"""Types of the optional fields of a model, as `ModelDescription` names them."""


@dataclass(frozen=True)
class _Description:
    """The content of `model.json` that all networks have; see `ModelDescription`.

    Raises:
        KeyError, TypeError, ValueError: `trained_on` is malformed.
    """

    configuration: Any
    weights_sha256: str
    training: Mapping[str, Any]

    def __post_init__(self) -> None:
        ingredients_in(self.training)

    @property
    def ingredients(self) -> tuple[Ingredient, ...]:
        """The data and weights of which it was made; empty if `trained_on` is missing."""
        return ingredients_in(self.training)


@dataclass(frozen=True)
class ModelDescription(_Description):
    """The content of `model.json`.

    Attributes:
        configuration: the architecture.
        weights_sha256: hash of `model.safetensors`, in hexadecimal.
        training: commands, data and measured limits of the weights; free form except for
            `trained_on` (see `ingredients`).
        calibration: calibration of presence; None if there is none. It may belong to the weights
            from which training started (see `valid_calibrations`).
        zoom_stages: the zoom stages, in order; empty for none.
        matching: the matching network in the subfolder; None if there is none.
        certainty: calibration of certainty, for which the same holds.
        decoder_certainty: calibration of certainty where the decoder outweighs the matching
            network, for which the same holds.
    """

    configuration: AfformerConfiguration
    calibration: PresenceCalibration | None = None
    zoom_stages: tuple[ZoomStage, ...] = ()
    matching: MatchingSettings | None = None
    certainty: CertaintyCalibration | None = None
    decoder_certainty: DecoderCertainty | None = None

    graph_names: ClassVar[tuple[str, ...]] = DECODER_GRAPHS

    @property
    def all_weights_sha256(self) -> str:
        """Hash of all weights, in hexadecimal, including those of a matching network.

        Exemplars are not part of it: they change neither features nor calibrations.
        """
        matching = self.matching
        if matching is None:
            return self.weights_sha256
        joined = self.weights_sha256 + matching.weights_sha256
        return hashlib.sha256(joined.encode()).hexdigest()

    @property
    def valid_calibrations(self) -> Calibrations:
        """The calibrations that were fitted for these weights."""
        own = self.all_weights_sha256
        known = self.calibration, self.certainty, self.decoder_certainty
        valid: list[Any] = [
            None if found is None or found.weights_sha256 != own else found for found in known
        ]
        return Calibrations(*valid)

    def calibration_problem(self, folder: Path) -> str:
        """Explain why the calibration is not used, and what to do; empty if it is used or missing.

        Args:
            folder: folder of the model.
        """
        if self.calibration in (None, self.valid_calibrations.presence):
            return ''
        found, own = self.calibration.weights_sha256[:12], self.all_weights_sha256[:12]
        return (
            f'the calibration of {folder} belongs to the weights {found}; expected {own}, its '
            'own, without which presence is unknown. Fit it again on pairs of at least two '
            f'elements: afformer calibrate {folder} --annotations PAIRS'
        )


@dataclass(frozen=True)
class MatchingDescription(_Description):
    """The content of `model.json` of a matching network; see `ModelDescription`."""

    configuration: MatchingConfiguration
    graph_names: ClassVar[tuple[str, ...]] = MATCHING_GRAPHS

    def misfit(self, decoder: AfformerConfiguration) -> str:
        """Explain why the network does not fit a decoder; empty if it does."""
        own = self.configuration
        if own.maximum_frames != decoder.maximum_frames:
            return (
                f'maximum_frames of the matching network is {own.maximum_frames}; expected '
                f'{decoder.maximum_frames}, as the decoder has'
            )
        return ''


NetworkDescription = ModelDescription | MatchingDescription
"""The content of `model.json` of a model or of a matching network."""


def read_description(folder: Path) -> ModelDescription:
    """Read and check `model.json`.

    Raises:
        ModelFolderError: there is no such folder or file, it is not JSON, has another format or
            version, or an invalid architecture, calibration, zoom stage or matching.
    """
    fields = _checked_fields(folder, FORMAT, (*_COMMON_FIELDS, *_PARTS))
    try:
        parts: dict[str, Any] = {
            name: kind.from_json(fields[name])
            for name, kind in _PARTS.items()
            if name != 'zoom_stages' and fields.get(name) is not None
        }
        return ModelDescription(
            AfformerConfiguration.from_json(fields['architecture']),
            str(fields['weights_sha256']),
            dict(fields['training']),
            zoom_stages=tuple(map(ZoomStage.from_json, fields.get('zoom_stages', []))),
            **parts,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        path = folder / DESCRIPTION_FILE
        raise ModelFolderError(f'{path} does not describe a model: {error}') from error


def model_ingredients(folder: Path) -> tuple[Ingredient, ...]:
    """Return the ingredients of a model; without a list, one ingredient of unknown licence.

    Raises:
        ModelFolderError: the folder contains no valid description.
    """
    found: list[Ingredient] = []
    for network in network_folders(folder):
        told = read_network(network).ingredients
        found += told or (Ingredient('training data', Origin(f'training of {folder.name}')),)
    return merged(found)


def read_matching(folder: Path, description: ModelDescription) -> MatchingDescription | None:
    """Read the subfolder of the matching network; None if the model has none.

    Raises:
        ModelFolderError: it is missing, its weights do not match the description, or it does not
            fit the decoder.
    """
    if description.matching is None:
        return None
    path = folder / MATCHING_FOLDER
    beside = read_matching_description(path)
    if beside.weights_sha256 != description.matching.weights_sha256:
        raise ModelFolderError(
            f'the matching network in {path} has the weights {beside.weights_sha256[:12]}; '
            f'expected {description.matching.weights_sha256[:12]}. Copy the whole folder again'
        )
    if problem := beside.misfit(description.configuration):
        raise ModelFolderError(f'{path} does not fit {folder}: {problem}')
    return beside


def read_matching_description(folder: Path) -> MatchingDescription:
    """Read and check `model.json` of a matching network.

    Raises:
        ModelFolderError: there is no such folder or file, it is not JSON, has another format or
            version, or an invalid architecture.
    """
    fields = _checked_fields(folder, MATCHING_FORMAT, _COMMON_FIELDS)
    try:
        return MatchingDescription(
            MatchingConfiguration.from_json(fields['architecture']),
            str(fields['weights_sha256']),
            dict(fields['training']),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(
            f'{folder / DESCRIPTION_FILE} does not describe a matching network: {error}'
        ) from error


def read_network(folder: Path) -> NetworkDescription:
    """Read `model.json` of a model or of a matching network, whichever the folder holds.

    Raises:
        ModelFolderError: see `read_description` and `read_matching_description`.
    """
    if read_json(folder / DESCRIPTION_FILE).get('format') == MATCHING_FORMAT:
        return read_matching_description(folder)
    return read_description(folder)


def checked_weights_path(folder: Path, description: NetworkDescription) -> Path:
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

    The folder of a matching network has only its own.

    Raises:
        ModelFolderError: the folder contains no valid description.
    """
    network = read_network(folder)
    if isinstance(network, MatchingDescription) or network.matching is None:
        return (folder,)
    return folder, folder / MATCHING_FOLDER


def description_files(folder: Path) -> list[Path]:
    """Return the descriptions of a model's networks, which name the hashes of their weights.

    Raises:
        ModelFolderError: the folder contains no valid description.
    """
    return [network / DESCRIPTION_FILE for network in network_folders(folder)]


def copy_matching(source: Path, folder: Path) -> None:
    """Copy the matching network of one model to another, if there is one that fits.

    Its exemplars are copied too.

    Raises:
        ModelFolderError: the source contains no valid description, or lacks a file.
    """
    matching, description = read_description(source).matching, read_description(folder)
    if matching is None:
        return
    beside = read_matching_description(source / MATCHING_FOLDER)
    if beside.misfit(description.configuration):
        return
    weights = checked_weights_path(source / MATCHING_FOLDER, beside)
    target = folder / MATCHING_FOLDER
    target.mkdir(exist_ok=True)
    write_aside(target / WEIGHTS_FILE, weights.read_bytes())
    write_matching_description(target, beside)
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
    parts = {name: getattr(description, name) for name in _PARTS}
    told = {
        name: [stage.to_json() for stage in part] if name == 'zoom_stages' else part.to_json()
        for name, part in parts.items()
        if part
    }
    _write(folder, FORMAT, description, told)


def write_matching_description(folder: Path, description: MatchingDescription) -> None:
    """Write `model.json` of a matching network atomically."""
    _write(folder, MATCHING_FORMAT, description, {})


def _write(
    folder: Path, name: str, description: NetworkDescription, parts: Mapping[str, Any]
) -> None:
    fields = {
        'format': name,
        'version': VERSION,
        'architecture': description.configuration.to_json(),
        'weights_sha256': description.weights_sha256,
        'training': dict(description.training),
        **parts,
    }
    write_aside(folder / DESCRIPTION_FILE, (json.dumps(fields, indent=2) + '\n').encode())


def _checked_fields(folder: Path, name: str, known: Sequence[str]) -> dict[str, Any]:
    """Read the fields of `model.json`, which must have a format of this name and known fields."""
    path = folder / DESCRIPTION_FILE
    fields = read_json(path)
    if fields.get('format') != name or fields.get('version') != VERSION:
        raise ModelFolderError(
            f'{path} is format {fields.get("format")!r} version {fields.get("version")!r}; '
            f'expected {name!r} version {VERSION}. Export the model again with this release'
        )
    if unknown := sorted(set(fields) - set(known)):
        raise ModelFolderError(
            f'{path} has {", ".join(unknown)}; expected only {", ".join(known)}. Remove the '
            'others, or write the model again'
        )
    return fields


def read_json(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file of a model folder.

    Raises:
        ModelFolderError: there is no such file, or it does not contain an object.
    """
    try:
        fields = json.loads(path.read_text(encoding='utf-8'))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelFolderError(
            f'{path} does not exist; expected a model folder with {DESCRIPTION_FILE} and '
            f'{WEIGHTS_FILE}. Check the path'
        ) from error
    except (OSError, ValueError) as error:
        raise ModelFolderError(f'{path} is not JSON: {error}. Copy the folder again') from error
    if not isinstance(fields, dict):
        raise ModelFolderError(
            f'{path} contains {type(fields).__name__}; expected a JSON object. Copy the folder '
            'again'
        )
    return fields


_ARRAYS = ('demonstrations', 'means', 'marks', 'owners')


def read_exemplars(folder: Path, description: ModelDescription) -> Exemplars | None:
    """Read the exemplars of a model folder; None if it has none.

    Raises:
        ModelFolderError: the file is missing or damaged, or does not match `model.json`.
    """
    matching = description.matching
    if matching is None or not matching.exemplars_sha256:
        return None
    path = folder / EXEMPLARS_FILE
    content = path.read_bytes() if path.is_file() else b''
    found = hashlib.sha256(content).hexdigest()
    if found != matching.exemplars_sha256:
        raise ModelFolderError(
            f'the sha256 of {path} is {found[:12]}...; expected '
            f'{matching.exemplars_sha256[:12]}... as in model.json. Copy the whole folder again'
        )
    try:
        arrays = load(content)
        return Exemplars(**{name: arrays[name] for name in _ARRAYS})
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelFolderError(f'{path} does not hold exemplars: {error}') from error


def write_exemplars(folder: Path, exemplars: Exemplars) -> None:
    """Write the exemplars of a model with a matching network, and their hash to `model.json`.

    Raises:
        ModelFolderError: the folder contains no valid model, or one without a matching network.
    """
    description = read_description(folder)
    if description.matching is None:
        raise ModelFolderError(
            f'{folder} has no matching network; expected one, such as the shipped model, to keep '
            'exemplars for'
        )
    content = save({name: getattr(exemplars, name) for name in _ARRAYS})
    write_aside(folder / EXEMPLARS_FILE, content)
    matching = replace(description.matching, exemplars_sha256=hashlib.sha256(content).hexdigest())
    write_description(folder, replace(description, matching=matching))
