# SPDX-License-Identifier: Apache-2.0
"""Images of hands, read back as VOC's annotations."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from afformer_sim.bodies.element import Fingertip, Use
from afformer_sim.datasets.hands_writer import AnnotatedHand, annotation_xml, moments
from afformer_sim.datasets.layouts import HandsSettings, write_scenes
from afformer_sim.scene.motion import sample_motion
from afformer_sim.scene.visibility import Box

SETTINGS = HandsSettings(
    seed=2, scenes=6, families=('keypad', 'mugs'), demonstrations=1, longest_side=96
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('hands')
    assert list(write_scenes(folder, 'trainval', SETTINGS)) == [0, 1, 2, 3, 4, 5, 6]
    return folder


def names(folder: Path) -> list[str]:
    return (folder / 'ImageSets' / 'Main' / 'trainval.txt').read_text().split()


def objects(folder: Path, name: str) -> list[dict[str, str | None]]:
    """The texts of each object by their keys, edges of the box among them."""
    root = ElementTree.parse(folder / 'Annotations' / f'{name}.xml').getroot()
    return [{part.tag: part.text for part in found.iter()} for found in root.iter('object')]


def box(found: dict[str, str | None]) -> list[int]:
    return [int(found[key] or 0) for key in ('xmin', 'ymin', 'xmax', 'ymax')]


def test_each_listed_image_and_no_other_is_there_with_its_annotation(folder: Path) -> None:
    assert len(names(folder)) == len(set(names(folder)))
    for part in ('Annotations', 'JPEGImages'):
        assert sorted(path.stem for path in (folder / part).iterdir()) == sorted(names(folder))
    for name in names(folder):
        root = ElementTree.parse(folder / 'Annotations' / f'{name}.xml').getroot()
        image = cv2.imread(str(folder / 'JPEGImages' / f'{name}.jpg'))
        assert root.findtext('filename') == f'{name}.jpg'
        assert int(root.findtext('size/width', '')) == image.shape[1]
        assert int(root.findtext('size/height', '')) == image.shape[0]


def test_contact_is_told_where_the_hand_touches_and_only_there(folder: Path) -> None:
    states: Counter[tuple[str, str | None]] = Counter()
    for name in names(folder):
        for found in objects(folder, name):
            if found['name'] == 'hand':
                states[name.rpartition('_')[2], found['contactstate']] += 1
                assert found['handside'] in ('0', '1')
    assert {(moment, state) for moment, state in states} >= {
        ('hover', '0'),
        ('contact', '3'),
        ('contact', '4'),
        ('after', '0'),
    }
    assert all((moment == 'contact') == (state != '0') for moment, state in states)


def test_what_is_touched_has_a_box_and_its_hand_says_so(folder: Path) -> None:
    with_contact_box = 0
    for name in names(folder):
        found = objects(folder, name)
        if len(found) < 2:
            assert all(one['name'] == 'hand' and one['objxmin'] == 'None' for one in found)
            continue
        hand, target = found
        with_contact_box += 1
        assert target['name'] == 'targetobject'
        edges = [int(hand[f'obj{key}'] or 0) for key in ('xmin', 'ymin', 'xmax', 'ymax')]
        assert edges == box(target)
        toward = np.add(box(target)[:2], box(target)[2:]) - np.add(box(hand)[:2], box(hand)[2:])
        told = float(hand['magnitude'] or 0) * np.array(
            [float(hand['unitdx'] or 0), float(hand['unitdy'] or 0)]
        )
        np.testing.assert_allclose(told, toward / 2, atol=0.01)
    assert with_contact_box >= 4


def test_images_without_a_hand_have_no_object(folder: Path) -> None:
    alone = [name for name in names(folder) if name.endswith('alone')]
    assert len(alone) == 6
    assert all(objects(folder, name) == [] for name in alone)


def test_moments_are_clear_of_the_begin_and_end_of_the_contact() -> None:
    use = Use('touch', (Fingertip(0.01, 0.01, 0.0),))
    motion = replace(sample_motion(use, np.random.default_rng(0)), start=0.4, end=0.6)
    for seed in range(50):
        found = moments(motion, np.random.default_rng(seed))
        assert 0 <= found['far'] <= 0.3 <= found['hover'] <= 0.37
        assert 0.4 <= found['contact'] <= 0.6
        assert 0.63 <= found['after'] <= 1
    held = replace(motion, start=-0.02, end=1.02)
    assert list(moments(held, np.random.default_rng(0))) == ['contact']


def test_the_first_pixel_is_one() -> None:
    hand = AnnotatedHand(Box(0, 2, 9, 11), True, 4, Box(4, 2, 15, 11))
    text = annotation_xml('a.jpg', (16, 12), [hand])
    found, target = ElementTree.fromstring(text).findall('object')
    assert [one.text for one in found.iter() if one.tag in ('xmin', 'ymin', 'xmax', 'ymax')] == [
        *('1', '3', '10', '12')
    ]
    assert [found.findtext(key) for key in ('truncated', 'handside', 'magnitude', 'unitdx')] == [
        *('1', '0', '5.0', '1.0')
    ]
    assert [target.findtext(key) for key in ('contactleft', 'contactright')] == ['1', '0']
    assert target.findtext('bndbox/xmax') == '16'
