# SPDX-License-Identifier: Apache-2.0
"""Contents of a demonstration file, as any reader of the MCAP format sees them."""

import os
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from mcap.reader import make_reader

from afformer_core.demonstrations.demonstration_file import (
    DemonstrationWriter,
    read_encoded_frames,
    read_entry,
    read_frames,
    typestore,
)
from afformer_core.demonstrations.state import StoreEntry, Summary
from afformer_core.runtime.demonstration import EncodedFrames, FrameFeatures

ENTRY = StoreEntry(
    Summary(
        name='press',
        frames=9,
        frames_kept=2,
        duration=2.0,
        begin=0.5,
        end=1.5,
        trimmed_by='motion',
        hands_seen=4,
        frames_lost=3,
        rotation='clockwise',
        rotation_problem='',
        contact='0.25 0.5',
    ),
    1700000000.25,
    1,
    3,
    'model',
)
ENCODED = EncodedFrames(
    np.full((2, 8, 8, 3), 7, np.uint8),
    FrameFeatures(
        np.arange(8, dtype=np.float32).reshape(2, 4, 1, 1),
        (
            np.arange(36, dtype=np.float32).reshape(2, 3, 2, 3) / 7,
            np.arange(20, dtype=np.float32).reshape(2, 5, 2, 1) / 3,
        ),
    ),
)
# The clock was set back before the fourth, and the last is from before 1970.
STAMPS = (0.0, 12.5, 12.75, 12.25, -3.0)


def image(number: int) -> np.ndarray:
    image = np.zeros((24, 32, 3), np.uint8)
    image[..., number % 3] = 50 + 40 * number
    return image


@pytest.fixture(scope='module')
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('demonstrations')
    writer = DemonstrationWriter(folder / 'press.mcap', folder / '.press.partial')
    for number, stamp in enumerate(STAMPS):
        writer.add_frame(image(number), stamp)
    assert os.listdir(folder) == ['.press.partial']
    writer.finish(ENTRY, ENCODED)
    assert os.listdir(folder) == ['press.mcap']
    return folder / 'press.mcap'


def test_frames_are_messages_with_their_stamps(path: Path) -> None:
    with path.open('rb') as file:
        reader = make_reader(file)
        assert (reader.get_header().profile, reader.get_header().library) == ('ros2', 'afformer')
        found = list(reader.iter_messages(log_time_order=False))

    schema, channel, _ = found[0]
    assert schema is not None
    assert (schema.name, schema.encoding) == ('sensor_msgs/msg/CompressedImage', 'ros2msg')
    assert b'MSG: std_msgs/Header' in schema.data
    assert (channel.topic, channel.message_encoding) == ('demonstration', 'cdr')
    assert [message.sequence for _, _, message in found] == [0, 1, 2, 3, 4]
    times = [0, 12_500_000_000, 12_750_000_000, 12_250_000_000, 0]
    assert [message.log_time for _, _, message in found] == times
    assert [message.publish_time for _, _, message in found] == times
    message = typestore().deserialize_cdr(found[2][2].data, schema.name)
    stamp = message.header.stamp
    assert (stamp.sec, stamp.nanosec, message.header.frame_id) == (12, 750_000_000, '')
    assert message.format == 'jpeg'
    decoded = cv2.imdecode(message.data, cv2.IMREAD_COLOR)
    # Blue, green, red.
    assert decoded[12, 16].tolist() == pytest.approx([130, 0, 0], abs=3)


def test_numbers_are_texts_with_a_checksum(path: Path) -> None:
    with path.open('rb') as file:
        (metadata,) = make_reader(file).iter_metadata()

    assert metadata.name == 'afformer'
    assert {key: text for key, text in metadata.metadata.items() if 'crc32' not in key} == {
        'format': '4',
        'name': 'press',
        'frames': '9',
        'frames_kept': '2',
        'duration': '2.0',
        'begin': '0.5',
        'end': '1.5',
        'trimmed_by': 'motion',
        'hands_seen': '4',
        'frames_lost': '3',
        'rotation': 'clockwise',
        'rotation_problem': '',
        'contact': '0.25 0.5',
        'created': '1700000000.25',
        'first_frame': '1',
        'last_frame': '3',
        'fingerprint': 'model',
    }
    assert {'crc32', 'encoded_frames_crc32'} <= metadata.metadata.keys()


def test_encoded_frames_are_attached(path: Path) -> None:
    with path.open('rb') as file:
        reader = make_reader(file)
        (attachment,) = reader.iter_attachments()
        (metadata,) = reader.iter_metadata()

    assert attachment.name == 'encoded_frames.safetensors'
    assert attachment.media_type == 'application/octet-stream'
    # To the resolution of a float.
    assert attachment.log_time == attachment.create_time
    assert attachment.log_time == pytest.approx(1_700_000_000_250_000_000, abs=200)
    assert metadata.metadata['encoded_frames_crc32'] == str(zlib.crc32(attachment.data))


def test_it_is_read_back(path: Path) -> None:
    assert read_entry(path) == ENTRY
    encoded = read_encoded_frames(path)
    assert np.array_equal(encoded.images, ENCODED.images)
    assert np.array_equal(encoded.features.decoder, ENCODED.features.decoder)
    assert [*map(np.ndarray.tolist, encoded.features.stages)] == [
        stage.tolist() for stage in ENCODED.features.stages
    ]


@pytest.mark.parametrize(
    ('maximum', 'numbers'), [(1, [2]), (2, [1, 3]), (3, [1, 2, 3]), (9, [1, 2, 3])]
)
def test_frames_of_the_part_are_in_the_order_in_which_they_came(
    path: Path, maximum: int, numbers: list[int]
) -> None:
    frames = read_frames(path, maximum)

    assert len(frames) == len(numbers)
    for frame, number in zip(frames, numbers, strict=True):
        assert frame.shape == (24, 32, 3)
        assert np.abs(frame.astype(int) - image(number)).max() <= 3
