# SPDX-License-Identifier: Apache-2.0
"""Own pairs, written as OPRA's annotations."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.readers.folder_pairs import FolderPairsDataset
from afformer_core.data.readers.opra import OpraDataset
from afformer_core.data.readers.opra_json import opra_archive, opra_entries
from afformer_core.errors import DatasetError

TABLE = """demonstration,image,action,x,y
press.mp4,kitchen.png,press,10.25,20
press.mp4,kitchen.png,hold,11,21.01
press.mp4,kitchen.png,press,12,22
turn,kitchen.png,turn,1,2
"""


@pytest.fixture
def dataset(tmp_path: Path) -> FolderPairsDataset:
    """Pairs of an object `cup`; only the header of its image is read."""
    (tmp_path / 'pairs/cup/images').mkdir(parents=True)
    PIL.Image.new('RGB', (64, 48)).save(tmp_path / 'pairs/cup/images/kitchen.png')
    (tmp_path / 'pairs/cup/points.csv').write_text(TABLE)
    (tmp_path / 'pairs/actions.txt').write_text('turn\npress\nhold\n')
    return FolderPairsDataset(tmp_path / 'pairs')


def test_the_reader_of_opra_reads_the_same_pairs(
    dataset: FolderPairsDataset, tmp_path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(opra_archive(dataset))) as archive:
        archive.extractall(tmp_path / 'unpacked')

    read = OpraDataset(tmp_path / 'unpacked/annotations.json', root=dataset.root)

    assert read.action_names == ('turn', 'press', 'hold')
    assert len(read) == 2
    for own, opra in zip(dataset, read, strict=True):
        for name in ('video_path', 'image_path', 'image_size', 'actions', 'object_id'):
            assert getattr(opra, name) == getattr(own, name)
        assert [points.tolist() for points in opra.points] == [
            points.tolist() for points in own.points
        ]


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'clip': (1.0, 2.0)}, r'is a part of .*press\.mp4; expected a whole video'),
        ({'image_path': Path('/elsewhere/kitchen.png')}, 'kitchen.png does not lie in'),
    ],
)
def test_what_the_format_cannot_tell_is_refused(
    dataset: FolderPairsDataset, change: dict[str, Any], reason: str
) -> None:
    class Changed(AnnotatedDataset):
        def __init__(self) -> None:
            super().__init__(dataset.annotations, dataset.root, dataset.action_names)
            self._samples = [replace(dataset[0], **change)]

    with pytest.raises(DatasetError, match=reason):
        opra_entries(Changed())
