# SPDX-License-Identifier: Apache-2.0
"""Model card, from `model.json` and the measured benchmark."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from afformer_core.files.atomic import write_aside
from afformer_core.runtime.weights import load_model
from studies.provenance import provenance

_TEMPLATE = Path(__file__).with_name('MODEL_CARD.md.jinja')
# What the benchmark's table shows of each split: a heading, and the path of the number.
_COLUMNS = {
    'KLD': ('predictors', 'model', 'kld'),
    'KLD of the blind prior': ('predictors', 'action_mean_map', 'kld'),
    'peak inside': ('predictors', 'model', 'peak_inside'),
    'nearest element': ('predictors', 'model', 'nearest'),
    'action': ('predictors', 'model', 'top_1'),
}


def write_card(model: Path, benchmark: Path, output: Path) -> None:
    """Write the card of a model folder.

    Args:
        model: the folder.
        benchmark: JSON of `afformer evaluate --benchmark`.
        output: file to write, as Markdown.
    """
    description = json.loads((model / 'model.json').read_text(encoding='utf-8'))
    splits = json.loads(benchmark.read_text(encoding='utf-8'))['splits']
    parameters = sum(each.numel() for each in load_model(model).parameters())
    template = jinja2.Template(
        _TEMPLATE.read_text(encoding='utf-8'),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = template.render(
        name=model.resolve().name,
        architecture=description['architecture'],
        training=description['training'],
        calibration=description.get('calibration'),
        parameters=parameters,
        megabytes=(model / 'model.safetensors').stat().st_size / 1e6,
        columns=tuple(_COLUMNS),
        rows={
            split: [_shown(_number(each['measures'], path)) for path in _COLUMNS.values()]
            for split, each in splits.items()
        },
        provenance=provenance(),
    )
    write_aside(output, text.encode())


def _number(measures: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Look up a number by its path; None where it was not measured."""
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
    arguments = parser.parse_args()
    write_card(arguments.model, arguments.benchmark, arguments.output)


if __name__ == '__main__':
    main()
