# SPDX-License-Identifier: Apache-2.0
"""The contact of real demonstrations: from a file, from a camera, and from a stored one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from afformer_core.demonstrations.demonstration_file import read_encoded_frames
from afformer_core.demonstrations.media import read_demonstration
from afformer_core.demonstrations.recording import Recording, record_whole
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.media.video import VideoReader
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.matching.matcher import ReadContact
from afformer_core.runtime.shipped_model import SHIPPED, model_folder


@pytest.fixture(scope='module')
def shipped() -> ArrayGrounder:
    return ArrayGrounder.load(model_folder(SHIPPED), threads=1)


def pair_of(test_data: Path, folder: str, name: str) -> tuple[Path, tuple[float, float]]:
    """The clip of a pair, and the share of width and height at which its contact is marked."""
    pairs = json.loads((test_data / folder / 'pairs.json').read_text())
    (pair,) = (one for one in pairs if one['id'] == name)
    width, height = pair['clip_size']
    assert pair['before']['frame'] == 0
    mark = pair['before']['x'] / width, pair['before']['y'] / height
    return test_data / folder / pair['clip'], mark


def likeliest(read: ReadContact | None) -> np.ndarray:
    assert read is not None
    contact_map = read.log_probabilities
    row, column = divmod(int(contact_map.argmax()), contact_map.shape[1])
    return np.array(((column + 0.5) / contact_map.shape[1], (row + 0.5) / contact_map.shape[0]))


@pytest.mark.parametrize(
    ('folder', 'name'),
    # A hand that is seen whole, and a finger on a device that fills the image.
    [('real_second', 'whirl_bag'), ('real_third', 'bt_arduino_1')],
)
def test_the_contact_in_a_video_is_read(
    shipped: ArrayGrounder, test_data: Path, folder: str, name: str
) -> None:
    clip, mark = pair_of(test_data, folder, name)

    recorded = record_whole(read_demonstration(clip, 8), name, shipped, None)

    assert np.linalg.norm(likeliest(recorded.encoded.read_contact) - mark) < 0.07


def test_the_contact_is_read_while_frames_arrive_and_is_stored(
    shipped: ArrayGrounder, test_data: Path, tmp_path: Path
) -> None:
    clip, mark = pair_of(test_data, 'real_third', 'bt_arduino_1')
    store = DemonstrationStore(tmp_path)
    recording = Recording('press', shipped, store, trim=False)
    with VideoReader(clip) as reader:
        for frame in reader:
            recording.add_frame(frame.image, 50.0 + frame.time)

    recorded = recording.finish()

    assert np.linalg.norm(likeliest(recorded.encoded.read_contact) - mark) < 0.07
    (path,) = tmp_path.glob('*.mcap')
    stored, read = read_encoded_frames(path).read_contact, recorded.encoded.read_contact
    assert stored is not None
    assert read is not None
    np.testing.assert_array_equal(stored.log_probabilities, read.log_probabilities)
    assert stored.candidates == read.candidates
    assert 1 < len(read.candidates) <= 5
