# SPDX-License-Identifier: Apache-2.0
"""Conversion of a dataset to the format that the name of the output stands for."""

from __future__ import annotations

from pathlib import Path

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.conversion.folder_writer import convert_to_folder
from afformer_core.data.conversion.manifest_writer import convert_to_manifest
from afformer_core.data.readers.manifest.files import SUFFIXES
from afformer_core.errors import DatasetError


def convert(dataset: AnnotatedDataset, output: Path) -> None:
    """Write a dataset in another format.

    Args:
        dataset: the dataset; media that are copied must exist.
        output: a manifest where its name ends in `.jsonl`, `.ndjson` or `.parquet`; a new folder
            of pairs with points where it has no ending.

    Raises:
        DatasetError: the ending is another, the output exists, the dataset is empty, or holds
            something that the format cannot.
    """
    if not dataset:
        raise DatasetError(f'{dataset.annotations} holds 0 samples; expected at least 1')
    if output.exists():
        raise DatasetError(f'{output} exists. Remove it, or give another name')
    if output.suffix.lower() in SUFFIXES:
        convert_to_manifest(dataset, dataset.action_names, output)
    elif not output.suffix:
        convert_to_folder(dataset, dataset.action_names, output)
    else:
        raise DatasetError(
            f'{output} has an unknown ending; expected one of {", ".join(SUFFIXES)} for a '
            'manifest, or none for a folder of pairs'
        )
