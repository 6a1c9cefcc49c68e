# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.data.clip_facts import ClipFacts, read_clip_facts
from afformer_core.data.sample import Sample
from afformer_core.errors import VideoError
from afformer_core.media.video import write_video


def sample(path: Path, clip: tuple[float, float] | None = None) -> Sample:
    return Sample('0', path, Path('a.jpg'), (8, 8), (0,), (np.ones((1, 2)),), clip=clip)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    write_video(tmp_path / 'a.mp4', np.zeros((20, 48, 64, 3), np.uint8), 10.0)
    return tmp_path / 'a.mp4'


def test_a_video(video: Path) -> None:
    facts = read_clip_facts(sample(video))
    assert (facts.size, facts.frames) == ((64, 48), None)
    assert facts.seconds == pytest.approx(2.0)
    assert str(facts) == '64x48, 2.0 s'


def test_a_part_of_a_video(video: Path) -> None:
    assert read_clip_facts(sample(video, (0.5, 1.75))) == ClipFacts((64, 48), 1.25, None)


def test_a_folder_of_frames(tmp_path: Path) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.zeros((48, 64, 3), np.uint8))
    facts = read_clip_facts(sample(tmp_path))
    assert facts == ClipFacts((64, 48), None, 3)
    assert str(facts) == '64x48, 3 frames'


def test_what_is_no_video(tmp_path: Path) -> None:
    (tmp_path / 'a.mp4').write_bytes(b'nothing')
    with pytest.raises(VideoError, match='cannot be read as a video'):
        read_clip_facts(sample(tmp_path / 'a.mp4'))
