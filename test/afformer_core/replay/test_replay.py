# SPDX-License-Identifier: Apache-2.0
"""A whole replay of a small RGB-D bag by the shipped model."""

from __future__ import annotations

import csv
import json
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest
from mcap.reader import make_reader

from afformer_core.errors import AfformerError, DatasetError
from afformer_core.media.bag import Bag, BagError, BagExtract, BagMessage
from afformer_core.media.video import read_video
from afformer_core.replay.annotations import read_annotations
from afformer_core.replay.demonstrations import ReplayDemonstrations
from afformer_core.replay.replay import (
    distribution,
    header_stamp,
    images_with_depth,
    jitter,
    result_folder,
    summarize,
)
from afformer_core.replay.replayed_image import ABSTAINED, FOUND, HELD, UNREADABLE, write_table
from afformer_core.replay.topics import ReplayTopics
from afformer_core.runtime.calibrations import PresenceFeatures
from afformer_core.stream.pipeline import SpatialInputs
from afformer_sim.datasets.rgbd_bag import RgbdBagSettings, write_rgbd_bag

from .conftest import Replayer, Written


@pytest.fixture(scope='module')
def written(replay: Replayer, rgbd: Path, tmp_path_factory: pytest.TempPathFactory) -> Written:
    annotations = read_annotations(rgbd / 'annotations.json')
    return replay(tmp_path_factory.mktemp('replay') / 'out', annotations=annotations)


def test_points_are_in_the_table(written: Written, rgbd: Path) -> None:
    with Bag(rgbd / 'bag') as bag:
        images = bag.messages(('/camera/image',), bag.start, bag.end)
        stamps = [bag.decode(image).header.stamp for image in images]
    rows = written.rows
    assert [int(row['stamp']) for row in rows] == [
        stamp.sec * 10**9 + stamp.nanosec for stamp in stamps
    ]
    located = [row for row in rows if row['z']]
    assert written.summary['positions'] == len(located) > 0
    assert all(0.4 < float(row['z']) < 1.1 and not row['problem'] for row in located)


def test_presence_follows_from_what_decides(
    written: Written, demonstrations: ReplayDemonstrations
) -> None:
    calibration = demonstrations.grounder.calibrations.presence
    assert calibration is not None
    for row in written.rows:
        features = PresenceFeatures(float(row['confidence']), float(row['feature_similarity']))
        # The decoder decides in these rendered images, and its certainty is the larger one.
        presence = max(calibration.presence(features), float(row['certainty']))
        assert float(row['presence']) == pytest.approx(presence, abs=1e-4)
    summary = json.loads((written.folder / 'summary.json').read_text())
    assert summary['thresholds'] == {'presence': 0, 'continuity': 0.75}
    assert summary['presence']['count'] == summary['images'] == 6


def test_measures_are_those_of_the_annotations(written: Written, rgbd: Path) -> None:
    images = json.loads((rgbd / 'annotations.json').read_text())['images']
    for one, row in zip(images, written.rows, strict=True):
        u, v = np.mean(one['points'], axis=0)
        expected = np.hypot(u - float(row['u']), v - float(row['v']))
        assert float(row['peak_pixels']) == pytest.approx(expected, abs=0.02)
        if row['z']:
            position = [float(row[key]) for key in 'xyz']
            expected = 1000 * np.linalg.norm(np.array(position) - one['position'])
            assert float(row['peak_millimetres']) == pytest.approx(expected, abs=0.01)
    assert written.summary['scores']['peak_pixels']['count'] == 6


def test_two_replays_are_equal_but_for_their_times(
    written: Written, replay: Replayer, rgbd: Path, tmp_path: Path
) -> None:
    annotations = read_annotations(rgbd / 'annotations.json')
    again = replay(tmp_path / 'again', annotations=annotations)
    video = written.folder / 'overlay.mp4'
    assert (again.folder / 'overlay.mp4').read_bytes() == video.read_bytes()
    assert read_video(video).shape == (6, 120, 160, 3)

    def timeless(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        return [{k: v for k, v in row.items() if not k.endswith('_ms')} for row in rows]

    assert timeless(again.rows) == timeless(written.rows)


def test_what_cannot_be_decoded_is_counted_and_listed(
    replay: Replayer, copied: Callable[..., Path], tmp_path: Path
) -> None:
    seen: list[int] = []

    def damage(topic: str, time: int, message: Any) -> Any:
        if topic == '/camera/image':
            seen.append(time)
            if len(seen) == 2:
                return time, replace(message, encoding='sepia')
            if len(seen) == 3:
                return struct.pack('<4B', 0, 1, 0, 0)
            if len(seen) == 4:
                return time, replace(message, width=1 << 31, step=1)
        return time, message

    rows = replay(tmp_path / 'out', copied(damage)).rows
    assert [row['state'] for row in rows] == [
        'found', 'unreadable', 'unreadable', 'unreadable', 'found', 'found',
    ]  # fmt: skip
    assert "'sepia' cannot be grounded" in rows[1]['problem']
    assert 'is not a valid sensor_msgs/msg/Image' in rows[2]['problem']


def test_a_bag_without_one_sound_image_is_refused(
    replay: Replayer, copied: Callable[..., Path], tmp_path: Path
) -> None:
    def damage(topic: str, time: int, message: Any) -> Any:
        return (time, replace(message, encoding='sepia') if topic.endswith('image') else message)

    with pytest.raises(BagError, match=r'not one of the 6 images of /camera/image .* .sepia.'):
        replay(tmp_path / 'out', copied(damage))


@pytest.mark.parametrize(
    ('change', 'problem'),
    [
        (
            lambda m: replace(m, encoding='rgb8', step=480),
            'of encoding .rgb8. are not depth images',
        ),
        (lambda m: replace(m, height=60, data=m.data[: 60 * m.step]), 'another aspect ratio'),
        (
            lambda m: replace(
                m, header=replace(m.header, stamp=replace(m.header.stamp, sec=1600000000))
            ),
            'the stamps of /camera/depth differ by .* from another clock',
        ),
    ],
)
def test_depth_that_does_not_fit_gives_a_reason_and_no_point(
    replay: Replayer, copied: Callable[..., Path], tmp_path: Path, change: Any, problem: str
) -> None:
    def damage(topic: str, time: int, message: Any) -> Any:
        return time, change(message) if topic == '/camera/depth' else message

    written = replay(tmp_path / 'out', copied(damage))
    assert [row['state'] for row in written.rows] == 6 * ['found']
    assert written.summary['positions'] == 0
    (found,) = written.summary['problems']
    assert re.search(problem, found['example'])


def test_depth_that_was_recorded_late_is_waited_for(
    replay: Replayer, copied: Callable[..., Path], tmp_path: Path
) -> None:
    def later(topic: str, time: int, message: Any) -> Any:
        return (time + 150_000_000 if topic == '/camera/depth' else time), message

    bag = copied(later)
    assert replay(tmp_path / 'patient', bag).summary['positions'] > 0
    hasty = replay(tmp_path / 'hasty', bag, depth_wait=0.05)
    assert 'no depth has arrived on /camera/depth' in hasty.rows[0]['problem']


def test_without_depth_images_are_grounded_without_points(
    replay: Replayer, written: Written, tmp_path: Path
) -> None:
    topics = ReplayTopics('/camera/image', '/demonstration', '', '/camera/camera_info')
    flat = replay(tmp_path / 'out', topics=topics)
    assert [row['score'] for row in flat.rows] == [row['score'] for row in written.rows]
    assert {row['problem'] for row in flat.rows} == {'no depth topic is replayed'}


def test_a_part_of_the_bag(replay: Replayer, rgbd: Path, written: Written, tmp_path: Path) -> None:
    with Bag(rgbd / 'bag') as bag:
        times = [m.time for m in bag.messages(('/camera/image',), bag.start, bag.end)]
        window = BagExtract((times[2] - bag.start) * 1e-9 - 1e-6, (times[4] - bag.start) * 1e-9)
        start = bag.start
    part = replay(tmp_path / 'out', window=window)
    assert [row['stamp'] for row in part.rows] == [row['stamp'] for row in written.rows[2:4]]
    with pytest.raises(BagError, match='has no image of /camera/image in this window'):
        replay(tmp_path / 'none', window=BagExtract(0, (times[0] - start) * 1e-9))


def test_images_that_change_their_size_go_into_one_video(
    replay: Replayer, copied: Callable[..., Path], tmp_path: Path
) -> None:
    seen: list[int] = []

    def shrink(topic: str, time: int, message: Any) -> Any:
        if topic == '/camera/image':
            seen.append(time)
            if len(seen) > 3:
                pixels = message.data.reshape(120, 160, 3)[::2, ::2]
                data = np.ascontiguousarray(pixels).ravel()
                return time, replace(message, height=60, width=80, step=240, data=data)
        return time, message

    written = replay(tmp_path / 'out', copied(shrink))
    assert read_video(written.folder / 'overlay.mp4').shape == (6, 120, 160, 3)
    assert written.rows[3]['restart'] == 'the images are now 80 x 60'
    assert 'the image has 80x60 pixels' in written.rows[3]['problem']


def test_a_bag_that_is_damaged_in_the_middle_is_replayed_up_to_there(
    replay: Replayer, tmp_path: Path
) -> None:
    request = RgbdBagSettings(seed=7, size=(160, 120), seconds=0.4, demonstration_frames=2)
    list(write_rgbd_bag(tmp_path / 'recording', request))
    path = tmp_path / 'recording' / 'bag' / 'bag.mcap'
    with path.open('rb+') as file:
        _, second, *_ = make_reader(file).get_summary().chunk_indexes
        # behind the head of the chunk, its first record claims to be longer than the file
        file.seek(second.chunk_start_offset + 9 + 40 + len(second.compression))
        file.write(b'\x05' + 8 * b'\x7f')
    written = replay(tmp_path / 'out', tmp_path / 'recording' / 'bag')
    assert 1 <= len(written.rows) < 12
    assert 'is damaged' in written.summary['notes'][0]
    assert 'The rest was not read' in written.summary['notes'][0]


def _write(out: Path, ends: Callable[[], object]) -> None:
    with result_folder(out) as folder:
        (folder / 'file').write_text('new')
        ends()


def _fail() -> None:
    raise RuntimeError('the disk is full')


def test_a_folder_of_results_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / 'a' / 'out'
    with pytest.raises(RuntimeError, match='full'):
        _write(out, _fail)
    assert list(out.parent.iterdir()) == []
    out.mkdir()
    monkeypatch.chdir(out)
    _write(Path('.'), lambda: None)
    assert [path.read_text() for path in out.iterdir()] == ['new']
    for existing in (out, out / 'file'):
        with pytest.raises(DatasetError, match='exists; choose another folder'):
            _write(existing, _fail)
    other = tmp_path / 'b' / 'out' / 'of somebody else'
    with pytest.raises(OSError, match='not empty'):
        _write(other.parent, lambda: other.mkdir(parents=True))
    assert list(other.parent.parent.rglob('*')) == [other.parent, other]


MS = 10**6


def message(topic: str, time: int, stamp: int) -> BagMessage:
    data = struct.pack('<4BiI', 0, 1, 0, 0, *divmod(stamp * MS, 10**9))
    return BagMessage(topic, 'type', time * MS, data)


def depth_message(recorded: BagMessage) -> Any:
    """One pixel with the stamp of the recorded message."""
    seconds, nanoseconds = divmod(header_stamp(recorded) or 0, 10**9)
    stamp = SimpleNamespace(sec=seconds, nanosec=nanoseconds)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp, frame_id='camera'),
        encoding='32FC1',
        height=1,
        width=1,
        step=4,
        is_bigendian=False,
        data=np.zeros(4, np.uint8),
    )


def pairs(
    messages: list[BagMessage], depth: str = '/depth', info: str = '', decode: Any = depth_message
) -> list[tuple[int, int | None]]:
    """Stamp of each image and of the depth that it got."""
    spatial = SpatialInputs(depth, info, decode)
    found: list[tuple[int, int | None]] = []
    topics = ReplayTopics('/image', '', depth, info)
    for _, stamp in images_with_depth(messages, topics, spatial, 0.1):
        assert stamp is not None
        view = spatial.view(stamp, 0.02, 0.0)
        found.append((stamp // MS, None if view.depth is None else view.depth.stamp // MS))
    return found


@pytest.mark.parametrize(
    ('recorded', 'found'),
    [
        # The nearest is taken, though it comes later.
        (
            [
                ('/depth', 5, 0), ('/image', 20, 15), ('/depth', 30, 18),
                ('/image', 40, 35), ('/depth', 45, 36),
            ],
            [(15, 18), (35, 36)],
        ),
        # Beyond the tolerance there is none.
        ([('/image', 10, 0), ('/depth', 11, 21), ('/depth', 30, 40)], [(0, None)]),
        # An image waits no longer than it may.
        (
            [('/image', 10, 0), ('/other', 109, 0), ('/other', 110, 0), ('/depth', 111, 0)],
            [(0, None)],
        ),
        # At the end of the bag, an earlier one will do.
        ([('/depth', 1, 0), ('/image', 10, 15)], [(15, 0)]),
        # After the clock was set back, images still wait.
        (
            [
                ('/image', 1000, 60_000), ('/depth', 1001, 60_000),
                ('/image', 1030, 10), ('/depth', 1031, 11),
            ],
            [(60_000, 60_000), (10, 11)],
        ),
    ],
)  # fmt: skip
def test_each_image_gets_the_depth_that_comes_in_time(
    recorded: list[tuple[str, int, int]], found: list[tuple[int, int | None]]
) -> None:
    assert pairs([message(*each) for each in recorded]) == found


def test_an_image_without_depth_topic_does_not_wait() -> None:
    assert pairs([message('/image', 10, 0), message('/depth', 11, 0)], depth='') == [(0, None)]


def test_the_first_image_waits_for_a_calibration_too() -> None:
    messages = [
        message('/image', 10, 0),
        message('/depth', 11, 0),
        message('/info', 12, 0),
        message('/image', 20, 10),
        message('/depth', 21, 10),
    ]
    asked: list[BagMessage] = []

    def decode(recorded: BagMessage) -> Any:
        if recorded.topic == '/info':
            asked.append(recorded)
            raise AfformerError('no calibration')
        return depth_message(recorded)

    pairs(messages, info='/info', decode=decode)
    assert asked == [messages[2], messages[2]]


def test_no_more_is_read_ahead_and_kept_than_needed() -> None:
    read = []
    kept: WeakSet[BagMessage] = WeakSet()

    def reading() -> Iterator[BagMessage]:
        for number in range(100):
            read.append(number)
            yield message('/image', 10 * number, 10 * number)
            one = message('/depth', 10 * number + 1, 10 * number)
            kept.add(one)
            yield one

    topics = ReplayTopics('/image', '', '/depth', '')
    images = images_with_depth(reading(), topics, SpatialInputs('/depth', '', depth_message), 0.1)
    next(images)
    assert read == [0]
    # Those that may come before their image, and the one that is read.
    assert max(len(kept) for _ in images) <= 25


@pytest.mark.parametrize(
    ('data', 'stamp'),
    [
        (struct.pack('<4BiI', 0, 1, 0, 0, 3, 5), 3_000_000_005),
        (struct.pack('>4BiI', 0, 0, 0, 0, 3, 5), 3_000_000_005),
        (b'\x00\x01\x00\x00\x03\x00', None),
        (b'', None),
    ],
)
def test_the_stamp_is_read_in_either_byte_order(data: bytes, stamp: int | None) -> None:
    assert header_stamp(BagMessage('/image', 'type', 0, data)) == stamp


NOTHING = {
    'stamp': 10**18, 'state': ABSTAINED, 'presence': 0.9, 'certainty': 0.7, 'confidence': 0.1,
    'feature_similarity': 0.8, 'continuity': 1.0, 'age': 0.0, 'action': 'press', 'restart': '',
    'decode_ms': 1.0, 'predict_ms': 20.0, 'stream_ms': 3.0,
}  # fmt: skip
SEEN = NOTHING | {
    'state': FOUND, 'confidence': 0.5, 'u': 10.0, 'v': 20.0, 'score': 0.5, 'x': 0.0, 'y': 0.1,
    'z': 0.7, 'normal_x': 0.0, 'normal_y': 0.0, 'normal_z': -1.0, 'peak_pixels': 2.5,
    'peak_millimetres': 3.0, 'normal_degrees': 1.0, 'inside': True,
}  # fmt: skip
AGAIN = NOTHING | {
    'state': FOUND, 'stamp': 10**18 + 10**8, 'u': 13.0, 'v': 24.0, 'score': 0.5,
    'problem': 'the depth jumps by 7 mm next to the peak',
}  # fmt: skip
BESIDE = AGAIN | {
    'problem': 'the depth jumps by 34 mm next to the peak', 'peak_pixels': 7.5, 'inside': False
}  # fmt: skip
UNSCORED = dict.fromkeys(('peak_pixels', 'peak_millimetres', 'inside'))
KEPT = SEEN | UNSCORED | {'state': HELD, 'age': 0.1}
BROKEN = {'stamp': 5, 'state': UNREADABLE, 'problem': 'the JPEG lacks its end'}
ROWS = (SEEN, BESIDE, AGAIN, KEPT, NOTHING, BROKEN)


def test_the_summary_counts_states_positions_scores_and_problems() -> None:
    summary = summarize(ROWS, {'bag': 'a'}, ['cut off'], {'continuity': 0.75})
    assert json.loads(json.dumps(summary)) == summary
    assert summary['facts'] == {'bag': 'a'}
    assert summary['images'] == 6
    assert summary['states'] == {FOUND: 3, HELD: 1, ABSTAINED: 1, UNREADABLE: 1}
    assert (summary['positions'], summary['inside_outline']) == (2, 0.5)
    assert summary['scores']['peak_pixels'] == {
        'count': 2, 'median': 5.0, 'p95': 7.25, 'mean': 5.0, 'maximum': 7.5,
    }  # fmt: skip
    assert summary['scores']['peak_millimetres']['count'] == 1
    assert summary['distance_m']['median'] == 0.7
    assert summary['presence']['median'] == 0.9
    assert (summary['milliseconds']['total']['median'], summary['notes']) == (24.0, ['cut off'])
    assert summary['milliseconds']['predict']['count'] == 5
    assert summary['thresholds'] == {'continuity': 0.75}
    # Those that differ in numbers are one.
    assert summary['problems'] == [
        {'example': 'the depth jumps by 34 mm next to the peak', 'count': 2},
        {'example': 'the JPEG lacks its end', 'count': 1},
    ]


def test_jitter_is_between_neighbours_that_were_seen() -> None:
    assert jitter(ROWS) == [5.0, 0.0]
    assert jitter((SEEN, BESIDE | {'restart': 'another scene'})) == []


def test_a_distribution_leaves_out_what_is_unknown() -> None:
    assert distribution([None, float('inf')]) is None
    known = distribution([None, 2.0])
    assert known == pytest.approx(
        {'count': 1, 'median': 2.0, 'p95': 2.0, 'mean': 2.0, 'maximum': 2.0}
    )


def test_the_table_has_a_line_an_image(tmp_path: Path) -> None:
    write_table(tmp_path / 'a.csv', [SEEN | {'score': 0.25, 'restart': 'why'}, BROKEN])
    assert (tmp_path / 'a.csv').read_text() == (
        'stamp,state,presence,certainty,confidence,feature_similarity,continuity,age,action,'
        'u,v,score,x,y,z,normal_x,normal_y,normal_z,problem,restart,peak_pixels,peak_millimetres,'
        'normal_degrees,inside,decode_ms,predict_ms,stream_ms\n'
        '1000000000000000000,found,0.9,0.7,0.5,0.8,1,0,press,10,20,0.25,0,0.1,0.7,'
        '0,0,-1,,why,2.5,3,1,true,1,20,3\n'
        '5,unreadable,,,,,,,,,,,,,,,,,the JPEG lacks its end,,,,,,,,\n'
    )
    with (tmp_path / 'a.csv').open(newline='') as file:
        assert [row['state'] for row in csv.DictReader(file)] == [FOUND, UNREADABLE]
