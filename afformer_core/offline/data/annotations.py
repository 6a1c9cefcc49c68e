# SPDX-License-Identifier: Apache-2.0
"""Annotations of any dataset, recognized by the contents of their file or folder."""

from __future__ import annotations

from pathlib import Path

from afformer_core.files.annotation_files import read_json
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.manifest.contents import Manifest
from afformer_core.offline.data.manifest.files import SUFFIXES, read_manifest
from afformer_core.offline.data.readers.assistq import read_assistq
from afformer_core.offline.data.readers.epic_hotspot import read_epic_hotspot
from afformer_core.offline.data.readers.folder_pairs import POINTS_FILE, read_folder_pairs
from afformer_core.offline.data.readers.opra import read_opra, read_opra_text
from afformer_core.offline.data.readers.part_pairs import PAIRS_FILE, PartPairsDataset

# Of pairs with points, at the top or in a folder for each object, and of pairs with outlines.
_OWN_FILES = (POINTS_FILE, f'*/{POINTS_FILE}', PAIRS_FILE)


def open_annotations(
    path: Path, root: Path | None = None, split: str = 'test'
) -> AnnotatedDataset:
    """Open the dataset of an annotation file, or of a folder of your own pairs.

    A folder has the layout of `folder_pairs`; JSON lines and Parquet are manifests. Text is in
    OPRA's original format. A JSON list belongs to OPRA or the simulator, a JSON object with verbs
    to EPIC-Hotspot, and any other object to AssistQ.

    Args:
        path: the file or folder.
        root: folder of the media; None: determined by the dataset's layout.
        split: `train` or `test`, for EPIC-Hotspot, which has both in one file.

    Raises:
        DatasetError: the file is missing, malformed or without a sample, or the folder contains
            no pairs.
    """
    if (path / PAIRS_FILE).is_file():
        return PartPairsDataset(path, root)
    return AnnotatedDataset(_read(path, root, split))


def annotating_files(path: Path) -> list[Path]:
    """List the files in which a dataset is annotated: a file, or those of your own pairs."""
    if path.is_file():
        return [path]
    return [file for name in _OWN_FILES for file in sorted(path.glob(name))]


def _read(path: Path, root: Path | None, split: str) -> Manifest:
    if path.is_dir():
        return read_folder_pairs(path, root)
    if path.suffix.lower() in SUFFIXES:
        return read_manifest(path, root)
    if path.suffix == '.txt':
        return read_opra_text(path, root)
    content = read_json(path)
    if isinstance(content, dict):
        if 'verbs' in content:
            return read_epic_hotspot(path, root, split)
        return read_assistq(path, root)
    return read_opra(path, root)
