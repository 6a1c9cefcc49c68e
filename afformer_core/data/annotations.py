# SPDX-License-Identifier: Apache-2.0
"""Annotations of any dataset, recognized by the contents of their file or folder."""

from __future__ import annotations

from pathlib import Path

from afformer_core.data.annotated_dataset import AnnotatedDataset, read_json
from afformer_core.data.readers.assistq import AssistqButtonsDataset
from afformer_core.data.readers.ego_exo4d import EgoExo4dDataset, is_ego_exo4d
from afformer_core.data.readers.epic_hotspot import EpicHotspotDataset
from afformer_core.data.readers.folder_pairs import FolderPairsDataset
from afformer_core.data.readers.hoi4d.dataset import Hoi4dDataset, is_hoi4d
from afformer_core.data.readers.holoassist.dataset import HoloAssistDataset, is_holoassist
from afformer_core.data.readers.manifest.dataset import ManifestDataset
from afformer_core.data.readers.manifest.files import SUFFIXES
from afformer_core.data.readers.opra import OpraDataset
from afformer_core.data.readers.opra_text import OpraTextDataset
from afformer_core.data.readers.part_pairs import PAIRS_FILE, PartPairsDataset
from afformer_core.data.readers.visor.dataset import VisorDataset, is_visor


def open_annotations(
    path: Path, root: Path | None = None, split: str = 'test'
) -> AnnotatedDataset:
    """Open the dataset of an annotation file, or of a folder of your own pairs.

    A folder has the layout of `folder_pairs` or contains files of VISOR; JSON lines and Parquet
    are manifests. Text is in OPRA's original format, or in HOI4D's beside `task_definitions.csv`.
    A JSON list of recordings with events belongs to HoloAssist, and any other list to OPRA or the
    simulator. A JSON object with verbs belongs to EPIC-Hotspot, one with video_annotations to
    VISOR, one with only splits to the correspondences of Ego-Exo4D, and any other object to
    AssistQ.

    Args:
        path: the file or folder.
        root: folder of the media; None: determined by the dataset's layout.
        split: `train`, `val` or `test`, for EPIC-Hotspot and Ego-Exo4D, which have all splits in
            one file.

    Raises:
        DatasetError: the file is missing or malformed, or the folder contains no pairs.
    """
    if (path / PAIRS_FILE).is_file():
        return PartPairsDataset(path, root)
    if is_visor(path):
        return VisorDataset(path, root)
    if path.is_dir():
        return FolderPairsDataset(path, root)
    if path.suffix.lower() in SUFFIXES:
        return ManifestDataset(path, root)
    if is_hoi4d(path):
        return Hoi4dDataset(path, root)
    if path.suffix == '.txt':
        return OpraTextDataset(path, root)
    content = read_json(path)
    if isinstance(content, dict):
        if 'verbs' in content:
            return EpicHotspotDataset(path, split, root)
        if is_ego_exo4d(content):
            return EgoExo4dDataset(path, split, root)
        if 'video_annotations' in content:
            return VisorDataset(path, root)
        return AssistqButtonsDataset(path, root)
    if is_holoassist(content):
        return HoloAssistDataset(path, root)
    return OpraDataset(path, root)
