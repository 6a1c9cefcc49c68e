# SPDX-License-Identifier: Apache-2.0
"""The conversion of a dataset to the format of the output's name."""

from __future__ import annotations

import json
from pathlib import Path

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.conversion.folder_writer import convert_to_folder
from afformer_core.data.conversion.manifest_writer import convert_to_manifest
from afformer_core.data.readers.manifest.files import SUFFIXES
from afformer_core.data.readers.opra_json import ACTIONS_FILE, opra_entries
from afformer_core.errors import DatasetError
from afformer_core.files.atomic import write_aside


def convert(dataset: AnnotatedDataset, output: Path) -> None:
    """Write a dataset in another format.

    Args:
        dataset: the dataset; media to copy must exist.
        output: a manifest if its name ends in `.jsonl`, `.ndjson` or `.parquet`; OPRA's JSON if it
            ends in `.json`, with the names of the actions beside it; a new folder of pairs with
            points if it has no extension.

    Raises:
        DatasetError: the extension is unknown, the output exists, the dataset is empty, or the
            format cannot represent it.
    """
    if not dataset:
        raise DatasetError(f'{dataset.annotations} contains 0 samples; expected at least 1')
    if output.exists():
        raise DatasetError(f'{output} exists. Remove it, or give another name')
    if output.suffix.lower() in SUFFIXES:
        convert_to_manifest(dataset, dataset.action_names, output)
    elif output.suffix.lower() == '.json':
        _convert_to_opra(dataset, output)
    elif not output.suffix:
        convert_to_folder(dataset, dataset.action_names, output)
    else:
        raise DatasetError(
            f'{output} has an unknown ending; expected one of {", ".join(SUFFIXES)} for a '
            "manifest, .json for OPRA's JSON, or none for a folder of pairs"
        )


def _convert_to_opra(dataset: AnnotatedDataset, output: Path) -> None:
    """Write points and actions as OPRA's JSON, to be read with the dataset's root."""
    if any(sample.masks for sample in dataset):
        raise DatasetError(
            f"{dataset.annotations} has masks, which OPRA's JSON cannot hold. Convert to a "
            'manifest instead, such as pairs.jsonl'
        )
    names = output.with_name(ACTIONS_FILE)
    if names.exists():
        raise DatasetError(f'{names} exists. Write {output.name} into another folder')
    entries = opra_entries(dataset)
    for path, content in ((output, entries), (names, list(dataset.action_names))):
        write_aside(path, (json.dumps(content, indent=1) + '\n').encode())
