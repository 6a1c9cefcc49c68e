# SPDX-License-Identifier: Apache-2.0
"""The samples of a dataset as annotations in OPRA's JSON, which `opra` reads."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.sample import Sample
from afformer_core.errors import DatasetError

ANNOTATIONS_FILE = 'annotations.json'
ACTIONS_FILE = 'actions.json'


def opra_entries(dataset: AnnotatedDataset) -> list[dict[str, Any]]:
    """Return an entry for each sample, with paths from the dataset's root.

    Points and actions are preserved exactly, and objects by their names; scenes, contacts and
    contact points are omitted.

    Raises:
        DatasetError: a demonstration is a part of a video, or media do not lie below the root.
    """
    return [_entry(sample, dataset.root) for sample in dataset]


def opra_archive(dataset: AnnotatedDataset) -> bytes:
    """Return a zip file with the annotations and the names of the actions.

    After unpacking them to any folder, read them with the dataset's root as the root of the media.

    Raises:
        DatasetError: see `opra_entries`.
    """
    files = {ANNOTATIONS_FILE: opra_entries(dataset), ACTIONS_FILE: list(dataset.action_names)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, json.dumps(content, indent=1) + '\n')
    return packed.getvalue()


def _entry(sample: Sample, root: Path) -> dict[str, Any]:
    if sample.clip is not None:
        raise DatasetError(
            f'the demonstration of {sample.sample_id} is a part of {sample.video_path}; expected '
            "a whole video, which is all that OPRA's JSON can name. Cut the part out"
        )
    entry = {
        'image_path': _below(sample.image_path, root),
        'width': sample.image_size[0],
        'height': sample.image_size[1],
        'actions': [action + 1 for action in sample.actions],
        'heatmaps': [points.tolist() for points in sample.points],
        'video_path': _below(sample.video_path, root),
        'source': sample.origin.source,
        'licence': sample.origin.licence,
    }
    return entry if sample.object_id is None else {**entry, 'photograph': sample.object_id}


def _below(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError as error:
        raise DatasetError(f'{path} does not lie in {root}; expected all media there') from error
