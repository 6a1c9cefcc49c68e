# SPDX-License-Identifier: Apache-2.0
"""Which samples make a batch."""

from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.datasets.samplers import (
    BatchSampler,
    DemonstrationSampler,
    NegativeSampler,
    StreamedSampler,
    TrainingBatches,
    ValidationBatches,
)


def sample(video: int, image: int) -> Sample:
    return Sample(
        f'{video}/{image}', Path(f'{video}.mp4'), Path(f'{video}_{image}.jpg'), (8, 8), (0,),
        (np.zeros((1, 2)),),
    )  # fmt: skip


# Five demonstrations with two images each.
SAMPLES = [sample(video, image) for video in range(5) for image in range(2)]


def test_pairs_are_drawn_once_an_epoch() -> None:
    sampler = BatchSampler(SAMPLES, 5, 1, seed=0)
    drawn = [index for step in range(2) for draw in sampler.batch(step) for index in draw.indices]

    assert sampler.steps_per_epoch == 2
    assert sorted(drawn) == list(range(10))


def test_with_several_targets_demonstrations_are_drawn_once_an_epoch() -> None:
    sampler = BatchSampler(SAMPLES, 2, 3, seed=0)
    draws = [draw for step in range(2) for draw in sampler.batch(step)]
    videos = [{SAMPLES[index].video_path for index in draw.indices} for draw in draws]

    assert sampler.steps_per_epoch == 2
    assert all(len(draw.indices) == 3 for draw in draws)
    assert all(len(each) == 1 for each in videos)
    assert len(set.union(*videos)) == 4


def test_a_demonstration_gets_other_targets_in_other_epochs() -> None:
    samples = [sample(video, image) for video in range(3) for image in range(4)]
    # A batch is an epoch, in which the demonstrations stand in one order.
    sampler = BatchSampler(samples, 3, 2, seed=0)
    epochs = [[draw.indices for draw in sampler.batch(epoch)] for epoch in range(12)]

    assert sampler.steps_per_epoch == 1
    for video in range(3):
        drawn = [epoch[video] for epoch in epochs]
        assert {index for pair in drawn for index in pair} == set(range(4 * video, 4 * video + 4))
        assert len(set(drawn)) >= 5


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    sampler, same, other = (BatchSampler(SAMPLES, 4, 1, seed) for seed in (3, 3, 4))
    sampler.batch(0)

    assert sampler.batch(7) == same.batch(7)
    assert sampler.batch(7) != sampler.batch(9)
    assert sampler.batch(7) != other.batch(7)
    batches = [sampler.batch(step) for step in range(6)]
    assert len({draw.seed for batch in batches for draw in batch}) == 24
    orders = {tuple(draw.indices for draw in sampler.batch(2 * epoch)) for epoch in range(6)}
    assert (sampler.steps_per_epoch, len(orders)) == (2, 6)


def test_negative_images_are_of_other_demonstrations() -> None:
    """All lie in one folder, so that the demonstrations tell objects apart."""
    sampler = BatchSampler(SAMPLES, 5, 2, seed=0, negative=3)
    draws = [draw for step in range(4) for draw in sampler.batch(step)]

    assert {len(set(draw.negative)) for draw in draws} == {3}
    assert not any(
        SAMPLES[draw.indices[0]].video_path == SAMPLES[index].video_path
        for draw in draws
        for index in draw.negative
    )
    assert len({draw.negative for draw in draws}) > 15


def test_negative_images_do_not_change_what_else_is_drawn() -> None:
    without, with_them = (BatchSampler(SAMPLES, 4, 2, 0, negative).batch(3) for negative in (0, 2))

    assert [draw.indices for draw in without] == [draw.indices for draw in with_them]
    assert [draw.seed for draw in without] == [draw.seed for draw in with_them]


def test_processes_share_each_batch() -> None:
    sampler = BatchSampler(SAMPLES, 4, 1, seed=0, negative=1)
    whole = list(TrainingBatches(sampler, 0, 6))
    first, second = (list(TrainingBatches(sampler, 0, 6, process, 2)) for process in range(2))

    for batch, one, two in zip(whole, first, second, strict=True):
        assert len(one) == len(two) == 2
        assert sorted(one + two, key=lambda draw: draw.seed) == batch


def test_goes_on_where_it_was_interrupted() -> None:
    sampler = BatchSampler(SAMPLES, 4, 1, seed=0)
    resumed = TrainingBatches(sampler, 4, 6)

    assert list(resumed) == list(TrainingBatches(sampler, 0, 6))[4:]
    assert len(resumed) == 6
    with pytest.raises(
        ValueError, match='batch size is 4; expected a multiple of the 3 processes'
    ):
        TrainingBatches(sampler, 0, 6, 0, 3)
    assert BatchSampler(SAMPLES[:3], 16, 1, seed=0).demonstrations == 3
    with pytest.raises(DatasetError, match='training samples is 0'):
        BatchSampler([], 4, 1, seed=0)


@pytest.mark.parametrize('processes', [1, 2, 3])
def test_every_validation_sample_is_seen_and_no_process_waits(processes: int) -> None:
    parts = [list(ValidationBatches(7, process, processes)) for process in range(processes)]
    seen = [draw.indices[0] for part in parts for batch in part for draw in batch]

    assert set(seen) == set(range(7))
    assert len({len(part) for part in parts}) == 1
    assert all(draw.seed == (0, *draw.indices) for part in parts for (draw,) in part)


# Two windows of 16,384 and a part of a third, which ends with a part of a run of 256.
MANY = 2 * 16_384 + 5 * 256 + 77


def numbers(sampler: DemonstrationSampler, steps: range) -> list[int]:
    return [index for step in steps for draw in sampler.batch(step) for index in draw.indices]


def test_each_of_many_demonstrations_is_drawn_once_an_epoch() -> None:
    sampler = StreamedSampler(MANY, 7, seed=3)
    drawn = numbers(sampler, range(sampler.steps_per_epoch))

    assert len(set(drawn)) == len(drawn) == MANY - MANY % 7
    assert max(drawn) < MANY


def test_many_demonstrations_are_drawn_from_some_positions_at_a_time() -> None:
    sampler = StreamedSampler(1_000_000, 64, seed=3)
    drawn = np.array(numbers(sampler, range(16_384 // 64)))
    positions = np.unique(drawn // 256)

    # 64 runs, each of which covers parts of two positions.
    assert 64 <= len(positions) <= 128
    assert positions.max() - positions.min() > 3000
    # A batch comes from as many of them as it can.
    assert min(len(set(batch // 256)) for batch in drawn.reshape(-1, 64)) > 30


def test_runs_of_many_demonstrations_begin_elsewhere_in_another_epoch() -> None:
    sampler = StreamedSampler(1_000_000, 64, seed=3)
    begins = []
    for epoch in range(2):
        first = epoch * sampler.steps_per_epoch
        drawn = set(numbers(sampler, range(first, first + 16_384 // 64)))
        begins.append({number % 256 for number in drawn if number - 1 not in drawn})

    # All runs begin alike; the last demonstration is followed by the first.
    assert [len(begin) <= 2 for begin in begins] == [True, True]
    assert begins[0] != begins[1]


def test_a_batch_of_many_demonstrations_depends_on_seed_and_step_alone() -> None:
    """Step 234 is the first that has draws of two windows."""
    sampler, same = (StreamedSampler(MANY, 70, seed=3) for _ in range(2))
    all_in_turn = [sampler.batch(step) for step in range(236)]

    assert [same.batch(step) for step in (235, 234, 0)] == [
        all_in_turn[step] for step in (235, 234, 0)
    ]
    assert len(set(numbers(same, range(233, 236)))) == 3 * 70


def test_a_few_demonstrations_are_drawn_as_ever() -> None:
    streamed, plain = StreamedSampler(16_384, 9, 5), DemonstrationSampler(16_384, 9, 5)

    assert [streamed.batch(step) for step in (0, 1, 2000)] == [
        plain.batch(step) for step in (0, 1, 2000)
    ]


def shown(*named: str) -> NegativeSampler:
    """Of samples `VIDEO IMAGE` or `VIDEO IMAGE OBJECT`."""
    samples = []
    for name in named:
        video, image, *known = name.split()
        points = (np.zeros((1, 2)),)
        object_id = known[0] if known else None
        made = Sample(name, Path(video), Path(image), (8, 8), (0,), points, object_id=object_id)
        samples.append(made)
    return NegativeSampler(samples)


@pytest.mark.parametrize(
    ('named', 'expected'),
    [
        pytest.param(
            ('cup/a.mp4 0', 'cup/b.mp4 1', 'jug/c.mp4 2', 'pot/d.mp4 3'),
            {0: {2, 3}, 1: {2, 3}, 2: {0, 1, 3}},
            id='another folder is another object',
        ),
        pytest.param(
            ('cup/a.mp4 0', 'mug/b.mp4 0', 'mug/c.mp4 1', 'jug/d.mp4 2'),
            {0: {3}, 2: {3}},
            id='an image joins the folders of its demonstrations',
        ),
        pytest.param(
            ('a.mp4 0', 'a.mp4 1', 'b.mp4 2'),
            {0: {2}, 1: {2}, 2: {0, 1}},
            id='in one folder demonstrations tell objects apart',
        ),
        pytest.param(
            ('cup/a.mp4 0 cup', 'cup/more/b.mp4 1 cup', 'jug/c.mp4 2 jug'),
            {0: {2}, 1: {2}, 2: {0, 1}},
            id='objects are known',
        ),
    ],
)
def test_negatives_are_of_other_objects(
    named: tuple[str, ...], expected: dict[int, set[int]]
) -> None:
    sampler = shown(*named)
    rng = np.random.default_rng(0)
    assert {index: set(sampler.draw(index, 100, rng)) for index in expected} == expected
    some, others = next(iter(expected.items()))
    assert sorted(sampler.draw(some, len(others), rng)) == sorted(others)


@pytest.mark.parametrize('named', [('cup/a.mp4 0 cup', 'cup/b.mp4 1 cup'), ('a.mp4 0', 'a.mp4 1')])
def test_one_object_alone_has_no_negatives(named: tuple[str, ...]) -> None:
    with pytest.raises(DatasetError, match=r'Set data\.negative_targets to 0'):
        shown(*named)
