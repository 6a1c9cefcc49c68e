# SPDX-License-Identifier: Apache-2.0
"""Opens the annotations of any dataset by what the file holds."""

from __future__ import annotations

from pathlib import Path

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.annotation_file import read_json
from afformer_core.data.assistq import AssistqButtonsDataset
from afformer_core.data.epic_hotspot import EpicHotspotDataset
from afformer_core.data.opra import OpraDataset
from afformer_core.data.opra_text import OpraTextDataset


def open_annotations(
    path: Path, root: Path | None = None, split: str = 'test'
) -> AnnotatedDataset:
    """The dataset of an annotation file.

    Text is OPRA's own form. JSON is OPRA's or the simulator's where it is a list, EPIC-Hotspot's
    where it has verbs, and else AssistQ's.

    Args:
        path: the file.
        root: folder of the media; None: where the dataset's own layout has it.
        split: `train` or `test`, of EPIC-Hotspot, which has both in one file.

    Raises:
        DatasetError: the file is missing or malformed.
    """
    if path.suffix == '.txt':
        return OpraTextDataset(path, root)
    content = read_json(path)
    if isinstance(content, dict):
        if 'verbs' in content:
            return EpicHotspotDataset(path, split, root)
        return AssistqButtonsDataset(path, root)
    return OpraDataset(path, root)
