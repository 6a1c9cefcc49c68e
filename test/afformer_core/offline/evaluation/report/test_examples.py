# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np

from afformer_core.offline.data.readers.part_pairs import PartPairsDataset
from afformer_core.offline.evaluation.parts.predictors import CentrePredictor
from afformer_core.offline.evaluation.protocols import RowsProtocol
from afformer_core.offline.evaluation.report.examples import (
    ShownPair,
    draw_examples,
    examples_of_models,
    examples_of_parts,
)
from afformer_core.runtime import ArrayGrounder

from ..conftest import run_of

CYAN = (0, 230, 255)
GREY = np.full((200, 100, 3), 90, np.uint8)
NO_POINTS = np.empty((0, 2))


def test_examples_are_evenly_chosen_from_the_best_to_the_worst():
    def read(index):
        return ShownPair(str(index), [GREY], GREY, NO_POINTS)

    badness = [float((7 * index) % 23) for index in range(23)]
    badness[5] = float('inf')
    opened = []

    def open_model():
        opened.append(True)
        return lambda index: (None, None)

    shown = draw_examples(badness, read, [open_model, open_model])
    assert len(opened) == 2
    assert len(shown) == 12
    ranks = [badness[int(caption)] for caption in shown]
    assert ranks == sorted(badness)[::2]
    assert {row.shape for row in shown.values()} == {(200, 4 * 100, 3)}


def test_a_row_shows_frames_annotation_and_heatmaps():
    heatmap = np.zeros((4, 2), np.float32)
    heatmap[0, 1] = 1
    square = np.array([[20.0, 20], [80, 20], [80, 80], [20, 80]])
    frame = np.full((100, 100, 3), 10, np.uint8)
    example = ShownPair('', [frame], GREY, np.array([[50.0, 150.0]]), [square])
    row = example.draw([(heatmap, (0.255, 0.7525)), (None, None)])

    frame, annotated, first, second = np.split(row, [200, 300, 400], axis=1)
    assert (frame == 10).all()
    assert annotated[20, 50].tolist() == list(CYAN)
    assert annotated[150, 50].tolist() != [90, 90, 90]
    # The heatmap is highest in the upper right corner, and the point is where it was given.
    assert np.abs(first[10, 90].astype(int) - 90).max() > 50
    assert first[150, 25].tolist() != [90, 90, 90]
    assert np.array_equal(first[80:120], GREY[80:120])
    assert np.array_equal(second, GREY)


def test_of_several_models_pairs_begin_where_the_last_is_better(results, model_folder):
    better = [
        replace(each, scores={**each.scores, 'kld': each.scores['kld'] - number})
        for number, each in enumerate(results)
    ]
    run = run_of(ArrayGrounder.load(model_folder, 'torch'), RowsProtocol((32, 32)))
    shown = examples_of_models(
        {'A': (results, lambda: run), 'B': (better, lambda: run)}, ('press', 'hold')
    )
    captions = list(shown)
    ids = [each.pair.sample.sample_id for each in results]
    assert [caption.split(',')[0] for caption in captions] == ids[::-1]
    assert captions[0] == f'{ids[3]}, hold: KLD of A 1.00, KLD of B -2.00, says press'
    # Three frames of 64x48, the annotated image, and one overlay of each model.
    assert {row.shape for row in shown.values()} == {(200, 6 * 267, 3)}


def test_pairs_with_parts_are_ordered_by_distance(part_pairs):
    pairs = PartPairsDataset(part_pairs).pairs
    scores = [
        {'inside': 0.0, 'distance': 42.42},
        {'inside': 0.0, 'distance': None},
        {'inside': 1.0, 'distance': 0.0},
    ]
    shown = examples_of_parts(pairs, scores, [CentrePredictor()], 4)
    assert list(shown) == [
        f'{pairs[2].sample.sample_id}, press or hold: inside',
        f'{pairs[0].sample.sample_id}, press: 42.4 % away',
        f'{pairs[1].sample.sample_id}, press or hold: no point',
    ]
    (row, *_) = shown.values()
    *frames, annotated, found = np.split(row, 5, axis=1)
    assert len(frames) == 3
    # The part is from (70, 50) to (90, 70) of 160x120.
    assert annotated[84, 133].tolist() == list(CYAN)
    # Only the centre of the image is marked.
    before = annotated[:60], found[:60]
    assert np.array_equal(*before)
    assert found[100, 133].tolist() != annotated[100, 133].tolist()
