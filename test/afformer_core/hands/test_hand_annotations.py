# SPDX-License-Identifier: Apache-2.0
"""Annotations of hands in 100DOH's layout, with what its files really hold."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.hands.hand_annotations import HandAnnotation, read_hand_annotations

HAND = """<object><name>hand</name><difficult>0</difficult><bndbox><xmin>3</xmin><ymin>2</ymin>
<xmax>10</xmax><ymax>8</ymax></bndbox><contactstate>3</contactstate></object>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An image of 20x10 pixels; its annotation is to be written."""
    for part in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (tmp_path / part).mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'JPEGImages' / 'a.jpg'), np.zeros((10, 20, 3), np.uint8))
    (tmp_path / 'ImageSets' / 'Main' / 'test.txt').write_text('a\n')
    return tmp_path


def hands(folder: Path, *objects: str) -> tuple[HandAnnotation, ...]:
    """What is read of an annotation with some objects."""
    size = '<size><width>20</width><height>10</height><depth>3</depth></size>'
    text = f'<annotation>{size}{"".join(objects)}</annotation>'
    (folder / 'Annotations' / 'a.xml').write_text(text)
    (image,) = read_hand_annotations(folder, 'test')
    assert image.size == (20, 10)
    assert image.image == folder / 'JPEGImages' / 'a.jpg'
    return image.hands


BOX = (2.0, 1.0, 10.0, 8.0)


@pytest.mark.parametrize(
    ('old', 'new', 'expected'),
    [
        # The first pixel is 1, and the last one belongs to the box.
        ('<', '<', HandAnnotation(BOX, True)),
        # Touching oneself (1) or somebody else (2) is no interaction; None stands in real files.
        *(
            ('>3</c', f'>{state}</c', HandAnnotation(BOX, False))
            for state in ('0', '1', '2', 'None', '')
        ),
        ('>3</c', '>4</c', HandAnnotation(BOX, True)),
        ('<difficult>0', '<difficult>1', HandAnnotation(BOX, True, difficult=True)),
        # What lies outside is cut off.
        ('<xmin>3', '<xmin>0', HandAnnotation((0.0, 1.0, 10.0, 8.0), True)),
        ('<ymax>8', '<ymax>12', HandAnnotation((2.0, 1.0, 10.0, 10.0), True)),
    ],
)
def test_a_hand(folder: Path, old: str, new: str, expected: HandAnnotation) -> None:
    assert hands(folder, HAND.replace(old, new)) == (expected,)


def test_what_is_touched_is_no_hand(folder: Path) -> None:
    object_of_contact = HAND.replace('>hand<', '>targetobject<').replace(
        '>3</contactstate>', '>None</contactstate>'
    )

    assert len(hands(folder, HAND, object_of_contact)) == 1


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('<xmin>3', '<xmin>21', r'a\.xml: the box of a hand is .*; expected a part of the image'),
        ('<xmin>3', '<xmin>11', 'expected a part of the image'),
        ('<xmin>3', '<xmin>left', r'a\.xml: could not convert'),
        ('<xmin>3</xmin>', '', r"a\.xml has no 'bndbox/xmin'"),
        ('>3</contactstate>', '>5</contactstate>', 'contactstate of a hand is 5; expected 0 to 4'),
        ('>hand<', '>foot<', "is 'foot'; expected hand or targetobject"),
        ('</object>', '', r'a\.xml is not XML'),
    ],
)
def test_malformed(folder: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        hands(folder, HAND.replace(old, new))


@pytest.mark.parametrize(
    ('split', 'missing', 'message'),
    [
        ('test', '', r'a\.xml does not exist; expected'),
        ('test', 'JPEGImages/a.jpg', r'a\.jpg does not exist; its split names it'),
        ('val', '', r'val\.txt does not exist; expected'),
        ('none', '', r'none\.txt names 0 images'),
    ],
)
def test_what_is_missing(folder: Path, split: str, missing: str, message: str) -> None:
    (folder / 'ImageSets' / 'Main' / 'none.txt').write_text('\n')
    if missing:
        (folder / missing).unlink()
    with pytest.raises(DatasetError, match=message):
        read_hand_annotations(folder, split)
