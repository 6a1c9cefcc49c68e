# SPDX-License-Identifier: Apache-2.0
"""Predictors over a folder of pairs: which video they are shown, tables, and images."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.errors import VideoError
from afformer_core.media.images import read_image
from afformer_core.offline.data.readers.part_pairs import PartPairsDataset
from afformer_core.offline.evaluation.parts.clips import Clip
from afformer_core.offline.evaluation.parts.contact_scores import (
    ContactMeasures,
    ContactScores,
    ContactsMeasured,
)
from afformer_core.offline.evaluation.parts.part_confidence import ConfidenceMeasures
from afformer_core.offline.evaluation.parts.part_differences import HEADINGS
from afformer_core.offline.evaluation.parts.part_examples import pair_examples
from afformer_core.offline.evaluation.parts.part_groups import GroupMeasures
from afformer_core.offline.evaluation.parts.part_measures import PartsMeasured, measure_all
from afformer_core.offline.evaluation.parts.part_report import parts_report
from afformer_core.offline.evaluation.parts.part_run import evaluate_parts
from afformer_core.offline.evaluation.parts.part_scores import (
    ClassMeasures,
    PartMeasures,
    PartScores,
)
from afformer_core.offline.evaluation.parts.predictors import (
    CentrePredictor,
    ClipContact,
    ModelPredictor,
    PointPrediction,
    PointPredictor,
)
from afformer_core.offline.parallel.local_engine import LocalEngine
from afformer_core.runtime import ArrayGrounder

CORNER, MIDDLE = (0.01, 0.01), (0.5, 0.5)


class FirstVideo:
    """In the middle, which is inside, with the first video alone."""

    def predict(self, image: np.ndarray, clip: Clip) -> PointPrediction:
        own = clip.name == 'pair 0'
        return PointPrediction((MIDDLE if own else CORNER,), found=own, presence_score=float(own))


def open_first_and_centre() -> dict[str, PointPredictor]:
    return {'first': FirstVideo(), 'centre': CentrePredictor()}


@pytest.fixture(scope='module')
def pairs(part_pairs):
    return PartPairsDataset(part_pairs).pairs


@pytest.fixture(scope='module')
def of_sources(pairs):
    """Three pairs, of which the last two are of one source and of different videos."""
    return [replace(pairs[0], source='other'), *pairs[1:]]


def evaluate(pairs, **predictors: PointPredictor) -> dict[str, list[PartScores]]:
    return evaluate_parts(pairs, lambda: predictors, 3, progress=False)


def test_each_clip_is_shown_with_its_own_image_and_as_a_negative(of_sources) -> None:
    shown = []

    class Recorder:
        def predict(self, image: np.ndarray, clip: Clip) -> PointPrediction:
            shown.append((clip.name, [np.array_equal(image, one) for one in images].index(True)))
            return PointPrediction((MIDDLE,))

    images = [read_image(pair.sample.image_path) for pair in of_sources]
    evaluate(of_sources, recorder=Recorder())

    assert shown == [
        *(('pair 0', 0), ('pair 0', 1), ('pair 0', 2)),
        *(('pair 1', 1), ('pair 1', 0), ('pair 1', 2)),
        *(('pair 2', 2), ('pair 2', 1)),
    ]


class Backwards(LocalEngine):
    """Yields the last result first, as other processes may."""

    def map(self, open_task, parts):
        return iter([*super().map(open_task, parts)][::-1])


def test_scores_do_not_depend_on_the_order_of_the_results(of_sources) -> None:
    expected = evaluate(of_sources, **open_first_and_centre())
    found = evaluate_parts(of_sources, open_first_and_centre, 3, Backwards(), progress=False)
    assert found == expected
    assert [score.point_x for score in found['first']] == pytest.approx([79.5, 1.1, 1.1])
    assert list(found) == ['first', 'centre']


def test_a_clip_that_cannot_be_read_ends_the_evaluation(pairs, tmp_path) -> None:
    missing = replace(pairs[1], sample=replace(pairs[1].sample, video_path=tmp_path / 'no.mp4'))
    with pytest.raises(VideoError, match=r'no\.mp4'):
        evaluate([pairs[0], missing, pairs[2]], first=FirstVideo())


def test_what_the_videos_change_is_scored(of_sources) -> None:
    (first, second, third) = evaluate(of_sources, first=FirstVideo())['first']

    assert (first.inside, first.found, first.presence_score) == (1, 1, 1)
    assert (first.other_inside, first.other_found, first.other_presence_score) == (0, 0, 0)
    assert (first.nearby_inside, first.nearby_found, first.nearby_presence_score) == (None,) * 3
    assert first.contact_first is None
    assert (second.inside, second.other_inside, second.other_found) == (0, 1, 1)
    assert (third.nearby_inside, third.nearby_found, third.nearby_presence_score) == (0, 0, 0)


class UnsureOfContact(ModelPredictor):
    """Reads the contact 8 and 4.5 pixels beside the mark, and is sure after a tap."""

    def __init__(self, tapped: PointPrediction | None = None, answered: bool = False) -> None:
        self.tapped, self.answered = tapped, answered

    def predict(self, image: np.ndarray, clip: Clip) -> PointPrediction:
        return PointPrediction((CORNER,), answered=self.answered)

    def read_contact(self, clip: Clip) -> ClipContact:
        points = [((60.5 + away) / 160, 50.5 / 120) for away in (21, 12, 11, 10)]
        return ClipContact((68.5 / 160, 50.5 / 120), None, tuple(points))

    def tap(self, image: np.ndarray, clip: Clip) -> PointPrediction | None:
        return self.tapped


def test_the_contact_that_is_read_is_measured_from_the_mark(pairs) -> None:
    (score, *_) = evaluate(pairs, model=UnsureOfContact())['model']
    # Of 160x120, whose diagonal is 200 pixels.
    assert score.contact_distance == pytest.approx(4)
    assert (score.contact_close, score.contact_first) == (0, 1)
    assert (score.contact_of_3, score.contact_of_5) == (0, 1)


@pytest.mark.parametrize(
    ('tapped', 'answered', 'inside'),
    [
        (None, 0, 0),
        (PointPrediction((MIDDLE,), answered=False), 0, 1),
        (PointPrediction((MIDDLE,)), 1, 1),
    ],
)
def test_a_tap_may_make_a_model_sure(
    pairs, tapped: PointPrediction | None, answered: float, inside: float
) -> None:
    (score, *_) = evaluate(pairs, model=UnsureOfContact(tapped))['model']
    assert score.answered == 0
    assert (score.tap_answered, score.tap_inside) == (answered, inside)


def test_a_sure_model_is_not_tapped(pairs) -> None:
    model = UnsureOfContact(PointPrediction((MIDDLE,)), answered=True)
    (score, *_) = evaluate(pairs, model=model)['model']
    assert (score.answered, score.tap_answered, score.tap_inside) == (1, 1, 0)


def test_a_model_without_a_threshold_is_neither_sure_nor_unsure(pairs, model_folder) -> None:
    model = ModelPredictor(ArrayGrounder.load(model_folder, 'torch'))
    scores = evaluate(pairs, model=model)['model']
    assert {(each.answered, each.tap_answered) for each in scores} == {(None, None)}
    assert {each.contact_first for each in scores} <= {0.0, 1.0}
    assert all(each.mass_inside is not None and 0 < each.mass_inside < 1 for each in scores)


@pytest.fixture(scope='module')
def measured(pairs):
    scores = evaluate_parts(pairs, open_first_and_centre, 3, progress=False)
    return measure_all(pairs, scores, ['first'], {})


def test_numbers_are_by_predictor_kind_robot_and_pair(measured) -> None:
    assert (measured.pairs, measured.source_videos) == (3, 2)
    assert measured.predictors['centre'].inside.value == 1
    assert measured.predictors['first'].inside.value == pytest.approx(1 / 3)
    assert measured.predictors['first'].other_inside.value == pytest.approx(1 / 3)
    assert {name: each['first'].inside.value for name, each in measured.by_kind.items()} == {
        'same-scene': 1,
        'other-shot': 0,
    }
    assert {name: each['first'].pairs for name, each in measured.by_robot.items()} == {
        'no robot': 2,
        'robot': 1,
    }
    assert measured.by_pair['pair 1']['centre'].inside == 1
    assert measured.by_pair['pair 1']['first'].inside == 0


def test_the_worst_source_has_the_fewest_right_answers(pairs) -> None:
    sources = 'sstttu'
    known = [
        PartScores(right, right, 0.0, right, answered=answered)
        for right, answered in ((1, 1), (1, 1), (1, 1), (0, 1), (0, 1), (0, 0))
    ]
    of_sources = [replace(pairs[0], source=source) for source in sources]
    measured = measure_all(of_sources, {'model': known}, ['model'], {})
    assert measured.worst_source == {'model': 't'}
    report = parts_report(measured, {'model': 'model'}, ['model'], {})
    assert '| t: 0.333 of 3 |' in report.to_markdown()


def test_the_action_that_is_accepted_most_often_is_a_baseline(measured) -> None:
    assert measured.constant_action == 'press'
    assert measured.constant_action_accepted.value == 1


def test_tables_have_a_row_for_each_predictor(measured) -> None:
    labels = {'first': 'first video', 'centre': 'centre of the image'}
    report = parts_report(measured, labels, ['first'], {'model': 'a'}, ['SIFT is ill.'])
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
    assert list(report.tables[1].rows) == ['first video']


def test_images_are_ordered_by_distance(pairs) -> None:
    predictors = open_first_and_centre()
    scores = evaluate(pairs, **predictors)['first']
    examples = pair_examples(pairs, scores, predictors, 3, 1, progress=False)
    assert examples['best'][0].title == 'pair 0, press'
    assert examples['best'][0].measures == ('inside',)
    (worst,) = examples['worst']
    assert worst.measures == ('not inside', '42.4 % away')
    assert list(worst.predicted) == ['first', 'centre']
    # The frame of the mark, which is ringed, and three of the clip.
    marked, first, *_ = worst.frames
    assert len(worst.frames) == 4
    assert (marked == (0, 230, 255)).all(2).any()
    assert not (first == (0, 230, 255)).all(2).any()


def described(root: Path, measures: str) -> set[str]:
    """Names in the table of the reference whose heading names these measures."""
    page = (root / 'docs' / 'reference' / 'evaluation_json.md').read_text()
    _, _, rest = page.partition(f'| name in {measures} | |\n|---|---|\n')
    table, _, _ = rest.partition('\n\n')
    return set(re.findall(r'^\| `([\w.]+)` \|', table, re.MULTILINE))


def names_of(kind: Any) -> set[str]:
    return {each.name for each in fields(kind)}


def test_every_number_is_described(root: Path) -> None:
    found = described(root, '`measures` of parts')
    of_facts = ('id', 'folder', 'source', 'source_video', 'kind', 'accepted_actions')
    groups = ('by_folder.FOLDER', 'by_source.SOURCE')
    classes = ('by_kind.KIND', 'by_robot.ROBOT')
    assert found == {
        *('pairs', 'source_videos', 'left_out.PAIR', 'worst_source.MODEL'),
        *('constant_action', 'constant_action_accepted'),
        *(f'predictors.PREDICTOR.{name}' for name in names_of(PartMeasures)),
        *(f'by_pair.PAIR.PREDICTOR.{name}' for name in names_of(PartScores)),
        *(f'{one}.PREDICTOR.{name}' for one in classes for name in names_of(ClassMeasures)),
        *(f'{one}.{name}' for one in groups for name in names_of(GroupMeasures)),
        *(f'confidence.PREDICTOR.SCORE.{name}' for name in names_of(ConfidenceMeasures)),
        *(f'pair_facts.PAIR.{name}' for name in of_facts),
        *(f'differences.MODEL.{name}' for name in HEADINGS),
    }
    assert names_of(PartsMeasured) == {'contacts', *(name.split('.')[0] for name in found)}


def test_every_number_of_contacts_is_described(root: Path) -> None:
    found = described(root, '`measures.contacts`')
    assert found == {
        'left_out',
        *(f'readers.READER.{name}' for name in names_of(ContactMeasures)),
        *(f'by_source.SOURCE.READER.{name}' for name in names_of(ContactMeasures)),
        *(f'by_clip.CLIP.READER.{name}' for name in names_of(ContactScores)),
    }
    assert names_of(ContactsMeasured) == {name.split('.')[0] for name in found}
