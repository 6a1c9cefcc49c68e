# SPDX-License-Identifier: Apache-2.0
"""One frame of a clip in place of the clip."""

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.data.annotations import open_annotations
from afformer_core.data.clip_reader import ClipReader
from afformer_core.data.frame_sampling import OneFrame, UniformSampling
from afformer_core.errors import VideoError
from afformer_core.evaluation.pairs.pair_evaluator import ModelRun
from afformer_core.evaluation.protocols.protocols import RowsProtocol
from afformer_core.runtime import ArrayGrounder


def read(sample, sampling):
    return ClipReader(sampling, (48, 64)).read(sample)[0]


@pytest.mark.parametrize(
    ('contact', 'number'), [(None, 2), ((0, 1), 0), ((1, 2), 1), ((3, 4), 3), ((4, 4), 4)]
)
def test_is_in_the_middle_of_the_contact_or_of_the_clip(scenes, contact, number):
    sample = replace(open_annotations(scenes)[0], contact=contact)
    frame = read(sample, OneFrame.at_contact(sample))
    assert np.array_equal(frame, read(sample, UniformSampling(5))[number : number + 1])


@pytest.mark.parametrize(('number', 'last'), [(None, 2), (4, 4)])
def test_it_is_one_window_of_one_frame(number, last):
    assert OneFrame(number).windows(np.arange(5.0)) == [[last]]
    assert OneFrame(number).longest == 1


def test_the_frame_after_the_last_is_not_there():
    with pytest.raises(VideoError, match='requested frame is 5; expected 0 to 4'):
        OneFrame(5).windows(np.arange(5.0))


def test_a_contact_after_the_end(scenes):
    sample = replace(open_annotations(scenes)[0], contact=(4, 9))
    with pytest.raises(VideoError, match='requested frame is 6; expected 0 to 4'):
        read(sample, OneFrame.at_contact(sample))


class Recorder(ArrayGrounder):
    """Keeps the frames of each demonstration."""

    def set_demonstration(self, frames, name):
        self.shown = {**getattr(self, 'shown', {}), name: np.stack(list(frames))}
        return super().set_demonstration(frames, name)


def test_a_frozen_demonstration_is_as_long_as_the_moving_one(scenes, model_folder):
    loaded = ArrayGrounder.load(model_folder, 'torch')
    grounder = Recorder(loaded.configuration, loaded._networks)
    sample = replace(open_annotations(scenes)[0], contact=(0, 2))
    run = ModelRun(grounder, RowsProtocol((32, 32)))
    for change in ('', 'frozen'):
        run._memorize(sample, change)
    moving, frozen = grounder.shown.values()
    assert len(frozen) == len(moving) == 5
    assert all(np.array_equal(frame, moving[1]) for frame in frozen)
