# SPDX-License-Identifier: Apache-2.0
"""Which samples of an annotation file are trained and validated on."""

from pathlib import Path

import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.training.datasets.batched_data import AnnotationSource
from afformer_core.offline.training.datasets.image_data import ImageData

from ..conftest import write_pairs


def test_all_samples_of_an_image_are_in_the_same_part(tmp_path: Path) -> None:
    annotations = write_pairs(tmp_path)
    text = annotations.read_text()
    for number in range(1, 4):
        text = text.replace(f'"{number}_0.png"', '"0_0.png"')
    annotations.write_text(text)
    parts = [
        {sample.image_path.name for sample in AnnotationSource(annotations, images=part).read()[0]}
        for part in ((0.0, 0.5), (0.5, 1.0))
    ]
    # Of 5 images.
    assert [len(part) for part in parts] == [2, 3]
    assert not parts[0] & parts[1]
    with pytest.raises(DatasetError, match='has 5 images, of which 0 are in the part'):
        AnnotationSource(annotations, images=(0.0, 0.1)).read()
    for part in ((0.5, 0.5), (-0.1, 1.0), (0.0, 1.1)):
        with pytest.raises(ValueError, match='expected a part of 0 to 1'):
            AnnotationSource(annotations, images=part)


@pytest.mark.parametrize(
    ('batch_size', 'said'),
    [
        (
            9,
            'afformer: a batch has 8 examples instead of 9 (data.batch_size), because no more '
            'are left for training\n',
        ),
        (8, ''),
    ],
)
def test_a_batch_that_is_cut_is_told(
    tmp_path: Path, batch_size: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = AnnotationSource(write_pairs(tmp_path))
    data = ImageData(train=source, batch_size=batch_size)
    capsys.readouterr()
    data.prepare_data()
    lines = capsys.readouterr().err.splitlines(keepends=True)
    assert ''.join(line for line in lines if 'batch' in line) == said
