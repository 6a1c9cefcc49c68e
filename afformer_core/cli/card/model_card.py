# SPDX-License-Identifier: Apache-2.0
"""Model cards in Markdown, from the descriptions of model folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from afformer_core.licences import Ingredient, Terms
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    ModelDescription,
    model_ingredients,
    read_description,
    read_matching_description,
)

_VERDICTS: Mapping[Terms, str] = {
    'permissive': 'All data and weights are under permissive licences.',
    'share-alike': 'Some of it must be shared under its original licence.',
    'non-commercial': 'Some of it must not be used commercially, so the model must not be used '
    'commercially either.',
    'unknown': 'The licence of some of it is not known. Ask its owners before you use or share '
    'the model.',
}
# From the most permissive licence.
_TERMS: tuple[Terms, ...] = ('permissive', 'share-alike', 'non-commercial', 'unknown')


def model_card(folder: Path) -> str:
    """Write the card of a model: a page of Markdown that ends with a line break.

    Raises:
        ModelFolderError: the folder contains no valid description.
    """
    description = read_description(folder)
    sections = [
        f'# {folder.resolve().name}',
        _facts(description),
        '## Data and licences',
        _origins(model_ingredients(folder)),
        *_training('## Training', description.training),
    ]
    if description.matching is not None:
        beside = read_matching_description(folder / MATCHING_FOLDER)
        sections += _training('## Training of the matching network', beside.training)
    return '\n\n'.join(sections) + '\n'


def _facts(description: ModelDescription) -> str:
    configuration = description.configuration
    height, width = configuration.input_size
    calibration = description.valid_calibration
    rows = {
        'Architecture': _architecture(configuration),
        'Input': f'{width}x{height} pixels, up to {configuration.maximum_frames} frames',
        'Actions': ', '.join(configuration.action_names) or 'none',
        'Zoom stages': str(len(description.zoom_stages)),
        'Matching network': 'none' if description.matching is None else 'in `matching`',
        'Presence': 'not fitted' if calibration is None else _presence(calibration),
        'SHA-256 of the weights': f'`{description.weights_sha256}`',
    }
    return _table(('', ''), list(rows.items()))


def _architecture(configuration: AfformerConfiguration) -> str:
    return (
        f'Afformer, backbone {configuration.backbone}, {configuration.channels} channels, '
        f'decoder {configuration.decoder}'
    )


def _presence(calibration: Any) -> str:
    return f'fitted on {calibration.pairs} pairs, AUROC {calibration.auroc:.3f}'


def _origins(ingredients: Sequence[Ingredient]) -> str:
    rows = [
        (
            ingredient.origin.source,
            ingredient.use,
            f'{ingredient.samples:,}' if ingredient.samples else '-',
            ingredient.origin.licence,
            ingredient.origin.terms,
        )
        for ingredient in ingredients
    ]
    # The weights do not contain data that was used only to choose among them.
    used = [
        ingredient.origin.terms
        for ingredient in ingredients
        if ingredient.use != 'validation data'
    ]
    verdict = _VERDICTS[max(used, key=_TERMS.index)] if used else 'Only random weights.'
    return f'{_table(("source", "use", "samples", "licence", "terms"), rows)}\n\n{verdict}'


def _training(title: str, training: Mapping[str, Any]) -> Iterator[str]:
    yield title
    if commands := training.get('commands'):
        yield '```sh\n' + '\n'.join(map(str, commands)) + '\n```'
    if measured := training.get('validation'):
        rows = [(name, f'{value:g}') for name, value in measured.items()]
        yield _table(('measure in validation', 'value'), rows)
    if made := training.get('provenance'):
        yield _table(('provenance', ''), list(_provenance(made)))
    told = {'commands', 'validation', 'trained_on'}
    others = [
        f'- {name.replace("_", " ")}: {value}'
        for name, value in training.items()
        if name not in told and isinstance(value, str | int | float)
    ]
    if others:
        yield '\n'.join(others)


def _provenance(made: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ('version', 'commit', 'date', 'machine', 'gpu', 'python', 'seed'):
        if name in made:
            yield name, str(made[name])
    for file, sha256 in made.get('data', {}).items():
        yield f'SHA-256 of {file}', f'`{sha256}`'
    if packages := made.get('packages'):
        yield 'packages', ', '.join(f'{name} {version}' for name, version in packages.items())


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join('| ' + ' | '.join(map(_cell, line)) + ' |' for line in lines)


def _cell(text: str) -> str:
    return text.replace('|', '\\|')
