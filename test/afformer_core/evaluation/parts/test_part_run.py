# SPDX-License-Identifier: Apache-2.0
"""Predictors over a folder of pairs: which video they are shown, tables, and images."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.data.readers.part_pairs import PartPairsDataset
from afformer_core.errors import VideoError
from afformer_core.evaluation.parts.clips import Clip
from afformer_core.evaluation.parts.contact_scores import (
    ContactMeasures,
    ContactScores,
    ContactsMeasured,
)
from afformer_core.evaluation.parts.part_confidence import ConfidenceMeasures
from afformer_core.evaluation.parts.part_differences import PartDifference
from afformer_core.evaluation.parts.part_examples import pair_examples
from afformer_core.evaluation.parts.part_groups import GroupMeasures
from afformer_core.evaluation.parts.part_measures import PairFacts, PartsMeasured, measure_all
from afformer_core.evaluation.parts.part_reliability import CertaintyGroup
from afformer_core.evaluation.parts.part_report import parts_report
from afformer_core.evaluation.parts.part_run import evaluate_parts
from afformer_core.evaluation.parts.part_scores import ClassMeasures, PartMeasures, PartScores
from afformer_core.evaluation.parts.predictors import (
    CentrePredictor,
    ClipContact,
    ModelPredictor,
    PointPrediction,
)
from afformer_core.runtime import ArrayGrounder

CORNER, MIDDLE = (0.01, 0.01), (0.5, 0.5)


class OwnVideo:
    """In the middle, which is inside, with the own video alone."""

    def predict(self, image: np.ndarray, clip: Clip) -> PointPrediction:
        alike = np.array_equal(np.unique(clip.frames[0]), [128])
        if alike:
            return PointPrediction((CORNER,), found=False, presence_score=0.0)
        own = clip.name == f'pair {self.shown}'
        return PointPrediction((MIDDLE if own else CORNER,), found=own, presence_score=float(own))

    shown = 0


@pytest.fixture(scope='module')
def pairs(part_pairs):
    return PartPairsDataset(part_pairs).pairs


def test_each_pair_is_shown_its_own_another_and_a_blank_video(pairs) -> None:
    shown = []

    class Recorder:
        def predict(self, image: np.ndarray, clip: Clip) -> PointPrediction:
            shown.append(clip.name)
            return PointPrediction((MIDDLE,))

    evaluate_parts(pairs, {'recorder': Recorder()}, 3, progress=False)

    assert shown == [
        *('pair 0', '3 blank frames', 'pair 2'),
        *('pair 2', '3 blank frames', 'pair 0'),
        *('pair 1', '3 blank frames', 'pair 2'),
    ]


def test_what_is_asked_aside_has_the_same_scores_in_the_same_order(pairs) -> None:
    predictors = {'own': OwnVideo(), 'centre': CentrePredictor()}
    in_turn = evaluate_parts(pairs, predictors, 3, progress=False)
    aside = evaluate_parts(pairs, predictors, 3, progress=False, aside=('centre',))
    assert aside == in_turn
    assert [one.point_x for one in aside['own']] == pytest.approx([79.5, 1.1, 1.1])
    assert list(aside) == ['own', 'centre']


def test_a_clip_that_cannot_be_read_ends_the_evaluation(pairs, tmp_path) -> None:
    missing = replace(pairs[1], sample=replace(pairs[1].sample, video_path=tmp_path / 'no.mp4'))
    with pytest.raises(VideoError, match=r'no\.mp4'):
        evaluate_parts([pairs[0], missing, pairs[2]], {'own': OwnVideo()}, 3, progress=False)


def test_what_the_videos_change_is_scored(pairs) -> None:
    (first, second, _) = evaluate_parts(pairs, {'own': OwnVideo()}, 3, progress=False)['own']

    assert (first.inside, first.found, first.presence_score) == (1, 1, 1)
    assert (first.other_inside, first.other_found, first.other_presence_score) == (0, 0, 0)
    assert (first.blank_inside, first.blank_found) == (0, 0)
    assert first.contact_first is None
    assert second.inside == 0


def test_a_model_is_asked_where_its_own_frames_are_touched(pairs, model_folder) -> None:
    model = ModelPredictor(ArrayGrounder.load(model_folder, 'torch'))
    scores = evaluate_parts(pairs, {'model': model}, 3, progress=False)['model']
    # The clips are still: both frames are the same.
    assert [each.contact_first for each in scores] == [each.contact_marked for each in scores]
    assert {each.contact_first for each in scores} <= {0.0, 1.0}
    assert all(each.mass_inside is not None and 0 < each.mass_inside < 1 for each in scores)


class SureOfContact(ModelPredictor):
    """Reads the contact 8 pixels beside the mark, and has its peak 15 pixels beside it."""

    def __init__(self) -> None:
        pass

    def predict(self, image: np.ndarray, clip: Clip) -> PointPrediction:
        return PointPrediction(((75.5 / 160, 50.5 / 120),))

    def read_contact(self, clip: Clip) -> ClipContact:
        return ClipContact((68.5 / 160, 50.5 / 120))


def test_the_contact_that_is_read_is_measured_from_the_mark(pairs) -> None:
    (score, *_) = evaluate_parts(pairs, {'model': SureOfContact()}, 3, progress=False)['model']
    # Of 160x120, whose diagonal is 200 pixels.
    assert score.contact_distance == pytest.approx(4)
    assert (score.contact_close, score.contact_first, score.contact_marked) == (0, 1, 0)


@pytest.fixture(scope='module')
def measured(pairs):
    predictors = {'own': OwnVideo(), 'centre': CentrePredictor()}
    return measure_all(pairs, evaluate_parts(pairs, predictors, 3, progress=False), ['own'], {})


def test_numbers_are_by_predictor_kind_robot_and_pair(measured) -> None:
    assert (measured.pairs, measured.source_videos) == (3, 2)
    assert measured.predictors['centre'].inside.value == 1
    assert measured.predictors['own'].inside.value == pytest.approx(1 / 3)
    assert measured.predictors['own'].other_inside.value == pytest.approx(1 / 3)
    assert {name: each['own'].inside.value for name, each in measured.by_kind.items()} == {
        'same-scene': 1,
        'other-shot': 0,
    }
    assert {name: each['own'].pairs for name, each in measured.by_robot.items()} == {
        'no robot': 2,
        'robot': 1,
    }
    assert measured.by_pair['pair 1']['centre'].inside == 1
    assert measured.by_pair['pair 1']['own'].inside == 0


def test_the_action_that_is_accepted_most_often_is_a_baseline(measured) -> None:
    assert measured.constant_action == 'press'
    assert measured.constant_action_accepted.value == 1


def test_tables_have_a_row_for_each_predictor(measured) -> None:
    labels = {'own': 'own video', 'centre': 'centre of the image'}
    report = parts_report(measured, labels, ['own'], {'model': 'a'}, ['SIFT is ill.'])
    titles = [table.title for table in report.tables]
    assert titles == [
        'Parts',
        'Does the video determine the answer?',
        'Inside a part, by kind',
        'Inside a part, by robot in the target',
    ]
    text = report.to_markdown()
    assert '- source videos: 2' in text
    assert '- SIFT is ill.' in text
    assert 'other-shot (2)' in text
    assert list(report.tables[1].rows) == ['own video']


def test_left_out_pairs_are_told(measured) -> None:
    told = replace(measured, left_out={'pair 9': 'there is no clip'})
    assert (
        '- left out: pair 9: there is no clip'
        in parts_report(told, {'own': 'own', 'centre': 'centre'}, ['own'], {}).to_markdown()
    )


def test_images_are_ordered_by_distance(pairs) -> None:
    predictors = {'own': OwnVideo(), 'centre': CentrePredictor()}
    scores = evaluate_parts(pairs, predictors, 3, progress=False)['own']
    examples = pair_examples(pairs, scores, predictors, 3, 1, progress=False)
    assert examples['best'][0].title == 'pair 0, press'
    assert examples['best'][0].measures == ('inside',)
    (worst,) = examples['worst']
    assert worst.measures == ('not inside', '42.4 % away')
    assert list(worst.predicted) == ['own', 'centre']
    # The frame of the mark, which is ringed, and three of the clip.
    marked, first, *_ = worst.frames
    assert len(worst.frames) == 4
    assert (marked == (0, 230, 255)).all(2).any()
    assert not (first == (0, 230, 255)).all(2).any()


def test_every_number_is_described(root: Path) -> None:
    page = (root / 'docs' / 'reference' / 'evaluation_json.md').read_text()
    _, _, rest = page.partition('| name in `measures` of parts | |\n|---|---|\n')
    table, _, _ = rest.partition('\n\n')
    of_predictor, of_pair, of_class, of_group, of_score, of_facts = (
        {each.name for each in fields(kind)}
        for kind in (
            *(PartMeasures, PartScores, ClassMeasures),
            *(GroupMeasures, ConfidenceMeasures, PairFacts),
        )
    )
    groups = ('by_folder.FOLDER', 'by_source.SOURCE')
    classes = ('by_kind.KIND', 'by_robot.ROBOT')
    assert set(re.findall(r'^\| `([\w.]+)` \|', table, re.MULTILINE)) == {
        *('pairs', 'source_videos', 'left_out.PAIR'),
        *('constant_action', 'constant_action_accepted'),
        *(f'predictors.PREDICTOR.{name}' for name in of_predictor),
        *(f'by_pair.PAIR.PREDICTOR.{name}' for name in of_pair),
        *(f'{one}.PREDICTOR.{name}' for one in classes for name in of_class),
        *(f'{one}.{name}' for one in groups for name in of_group),
        *(f'confidence.PREDICTOR.SCORE.{name}' for name in of_score),
        *(f'action_scores.PREDICTOR.{name}' for name in of_score),
        *(f'certainty.MODEL.FIFTH.{each.name}' for each in fields(CertaintyGroup)),
        *(f'pair_facts.PAIR.{name}' for name in of_facts),
        *(f'differences.MODEL.{each.name}' for each in fields(PartDifference)),
    }
    assert {each.name for each in fields(PartsMeasured)} == {
        *('pairs', 'source_videos', 'left_out', 'constant_action', 'constant_action_accepted'),
        *('predictors', 'by_pair', 'by_kind', 'by_robot', 'differences'),
        *('by_folder', 'by_source', 'confidence', 'pair_facts', 'contacts'),
        *('action_scores', 'certainty'),
    }


def test_every_number_of_contacts_is_described(root: Path) -> None:
    page = (root / 'docs' / 'reference' / 'evaluation_json.md').read_text()
    _, _, rest = page.partition('| name in `measures.contacts` | |\n|---|---|\n')
    table, _, _ = rest.partition('\n\n')
    of_reader, of_clip = (
        {each.name for each in fields(kind)} for kind in (ContactMeasures, ContactScores)
    )
    assert set(re.findall(r'^\| `([\w.]+)` \|', table, re.MULTILINE)) == {
        'left_out',
        *(f'readers.READER.{name}' for name in of_reader),
        *(f'by_source.SOURCE.READER.{name}' for name in of_reader),
        *(f'by_clip.CLIP.READER.{name}' for name in of_clip),
    }
    assert {each.name for each in fields(ContactsMeasured)} == {
        *('left_out', 'readers', 'by_source', 'by_clip'),
    }
