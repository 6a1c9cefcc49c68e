# SPDX-License-Identifier: Apache-2.0
"""Model card of a model folder, with its benchmark and the commands that created them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from torch import nn

from afformer_core.errors import ModelFolderError
from afformer_core.files.atomic import write_aside
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    WEIGHTS_FILE,
    NetworkDescription,
    read_description,
    read_matching_description,
)
from afformer_core.runtime.weights import load_matching_network, load_model
from studies.provenance import provenance

_TEMPLATE = Path(__file__).with_name('MODEL_CARD.md.jinja')
# Columns of the benchmark's table: a heading, and the path of the number.
_COLUMNS = {
    'KLD': ('predictors', 'model', 'kld'),
    'KLD of the blind prior': ('predictors', 'action_mean_map', 'kld'),
    'peak inside': ('predictors', 'model', 'peak_inside'),
    'nearest element': ('predictors', 'model', 'nearest'),
    'action': ('predictors', 'model', 'top_1'),
}


def write_card(model: Path, benchmark: Path, output: Path, commands: Sequence[str]) -> None:
    """Write the card of a model folder.

    Args:
        model: the folder.
        benchmark: JSON of `afformer evaluate --benchmark`.
        output: Markdown file to write.
        commands: commands that created the model, in order.

    Raises:
        ModelFolderError: the folder holds no valid model, or it is not calibrated with a matching
            network.
    """
    description = read_description(model)
    if description.matching is None or description.valid_calibrations.presence is None:
        raise ModelFolderError(
            f'{model} is not calibrated with a matching network; expected one in its folder '
            f'{MATCHING_FOLDER}. Run: afformer calibrate {model} --annotations PAIRS'
        )
    beside = model / MATCHING_FOLDER
    own = _facts(model, description, load_model(model))
    matching = _facts(beside, read_matching_description(beside), load_matching_network(beside))
    splits = json.loads(benchmark.read_text(encoding='utf-8'))['splits']
    template = jinja2.Template(
        _TEMPLATE.read_text(encoding='utf-8'),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = template.render(
        name=model.resolve().name,
        model=description,
        facts={name: (fact, matching[name]) for name, fact in own.items()},
        commands=commands,
        columns=tuple(_COLUMNS),
        rows={
            split: [_shown(_number(content['measures'], path)) for path in _COLUMNS.values()]
            for split, content in splits.items()
        },
        provenance=provenance(),
    )
    write_aside(output, text.encode())


def _facts(folder: Path, description: NetworkDescription, network: nn.Module) -> dict[str, str]:
    """Return the description of one network for the card, by heading."""
    configuration = description.configuration
    height, width = configuration.input_size
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return {
        'Backbone': configuration.backbone,
        'Levels': ', '.join(configuration.image_levels),
        'Input, RGB': f'{width}x{height} pixels, {configuration.maximum_frames} frames',
        'Parameters': f'{parameters / 1e6:.1f} million',
        'File': f'{(folder / WEIGHTS_FILE).stat().st_size / 1e6:.1f} MB',
        'Steps of its last training': str(description.training['step']),
    }


def _number(measures: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Look up a number by its path; None if it was not measured."""
    value: Any = measures
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _shown(number: Any) -> str:
    """Format a number, or a bootstrapped one with its interval."""
    if number is None:
        return '-'
    if isinstance(number, Mapping):
        return f'{number["value"]:.2f} [{number["low"]:.2f}, {number["high"]:.2f}]'
    return f'{number:.2f}'


def main() -> None:
    """Write a card."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, text in (
        ('model', 'model folder'),
        ('benchmark', 'JSON of `afformer evaluate --benchmark`'),
        ('output', 'Markdown file to write'),
    ):
        parser.add_argument(name, type=Path, help=text)
    parser.add_argument(
        '--commands', nargs='+', required=True, help='commands that created the model'
    )
    arguments = parser.parse_args()
    write_card(arguments.model, arguments.benchmark, arguments.output, arguments.commands)


if __name__ == '__main__':
    main()
