# SPDX-License-Identifier: Apache-2.0
"""Folders of questions for outside systems, and their answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from afformer_core.errors import DatasetError
from afformer_core.media.images import read_image
from afformer_core.offline.data.readers.contact_clips import ContactClip
from afformer_core.offline.data.readers.part_pairs import ClipPoint, PartPair, PartPairsDataset
from afformer_core.offline.evaluation.demonstration_to_image.outside_system import (
    Answer,
    OutsideSystem,
    SystemError,
    ask_command,
    image_digest,
    is_command,
    read_answers,
    write_questions,
)
from afformer_core.offline.evaluation.parts.clips import read_clip


@pytest.fixture
def pairs(part_pairs: Path) -> tuple[PartPair, ...]:
    return PartPairsDataset(part_pairs).pairs


def test_asks_each_image_with_its_clip_and_its_negatives(
    pairs: tuple[PartPair, ...], tmp_path: Path
) -> None:
    ids = write_questions(tmp_path, pairs, [], seed=3)
    asked = json.loads((tmp_path / 'questions.json').read_text())
    assert len(asked) == len(ids) == 7
    digest = image_digest(read_image(pairs[0].sample.image_path))
    assert {name for key, name in ids if key == digest} == {'pair 0', 'pair 2'}
    # nothing tells whether a clip is the own one of its image
    assert {name for question in asked for name in question} == {'id', 'clip', 'image'}
    assert 'pair' not in (tmp_path / 'questions.json').read_text()


def test_gives_contacts_only_if_they_are_asked_for(
    pairs: tuple[PartPair, ...], tmp_path: Path
) -> None:
    write_questions(tmp_path, pairs, [], given_contact=True)
    asked = json.loads((tmp_path / 'questions.json').read_text())
    given = [question['contact'] for question in asked if 'contact' in question]
    assert given == [{'frame': 1, 'x': 60.0, 'y': 50.0}] * 7


def test_reads_answers() -> None:
    content = {
        '0001': {
            'points': [[15, 6.5], [3, 4], [5, 6], [7, 8]],
            'presence': 0.7,
            'found': False,
            'actions': {'pull': 0.4},
            'contact': {'x': 9, 'y': 2, 'frame': 13},
        }
    }
    assert read_answers(content, ['0001', '0002']) == {
        '0001': Answer(
            ((15.0, 6.5), (3.0, 4.0), (5.0, 6.0)),
            presence=0.7,
            found=False,
            actions={'pull': 0.4},
            contact=(9.0, 2.0),
            moment=13.0,
        )
    }


@pytest.mark.parametrize(
    ('answer', 'complaint'),
    [
        ({'0009': {}}, "'0009', which is no id"),
        ({'0001': {'point': [1, 2]}}, "'point' is unknown"),
        ({'0001': {'points': [[float('nan'), 2]]}}, 'not finite'),
        ({'0001': {'found': 'yes'}}, 'expected true or false'),
        ([], 'expected an object'),
    ],
)
def test_refuses_malformed_answers(answer: Any, complaint: str) -> None:
    with pytest.raises(DatasetError, match=complaint):
        read_answers(answer, ['0001'])


def test_points_are_pixels_of_the_image(pairs: tuple[PartPair, ...]) -> None:
    image, clip = read_image(pairs[1].sample.image_path), read_clip(pairs[1], 4)
    answers = {(image_digest(image), 'pair 1'): Answer(((39.5, 14.5),), confidence=0.6)}
    prediction = OutsideSystem(answers, {}).predict(image, clip)
    assert prediction.points == ((0.25, 0.125),)
    assert prediction.confidence_scores == {'confidence': 0.6}
    assert OutsideSystem({}, {}).predict(image, clip).points == ()


def test_the_moment_is_a_frame_of_the_clip(pairs: tuple[PartPair, ...]) -> None:
    clip = read_clip(pairs[1], 4)
    answers = {('', 'pair 1'): Answer(contact=(39.5, 14.5), moment=9)}
    contact = OutsideSystem(answers, {'pair 1': 12.0}).read_contact(clip)
    assert contact is not None
    assert (contact.point, contact.moment) == ((0.25, 0.125), 0.75)


SCRIPT = """
import json, sys
from pathlib import Path
questions, answers = map(Path, sys.argv[-2:])
asked = json.loads((questions / 'questions.json').read_text())
found = {q['id']: {'contact': {'x': 8, 'y': 3, 'frame': 2}} for q in asked if 'image' not in q}
answers.write_text(json.dumps(found))
sys.exit(int(sys.argv[1]))
"""


def test_asks_a_command_for_contacts(
    pairs: tuple[PartPair, ...], part_pairs: Path, tmp_path: Path
) -> None:
    (tmp_path / 'system.py').write_text(SCRIPT)
    clip = ContactClip('cup', part_pairs / '2.mp4', ClipPoint(1, 7, 3), rate=8.0)
    command = f'{sys.executable} {tmp_path / "system.py"} 0'
    system = ask_command(command, pairs, [clip], tmp_path / 'work')
    assert system.reads_contacts
    assert system.answered == 1


def test_a_command_that_fails_is_named(pairs: tuple[PartPair, ...], tmp_path: Path) -> None:
    (tmp_path / 'system.py').write_text(SCRIPT)
    with pytest.raises(SystemError, match='ended with status 3; expected 0'):
        ask_command(f'{sys.executable} {tmp_path / "system.py"} 3', pairs, [], tmp_path / 'work')


def test_a_folder_is_no_command(tmp_path: Path) -> None:
    assert is_command(f'{sys.executable} system.py --fast')
    assert not is_command(str(tmp_path))
    assert not is_command('no_such_program_here --fast')
