# SPDX-License-Identifier: Apache-2.0
"""`afformer replay`: from arguments to a folder, or one line that says why not."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer

from afformer_core.cli.main import main
from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.files.provenance import commit
from afformer_core.media.bag import Bag
from afformer_core.media.video import write_video
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.runtime import ArrayGrounder

ALWAYS_PRESENT = tuple(
    f'--set=minimum_{name}={least}'
    for name, least in (('confidence', 0), ('feature_similarity', -1), ('continuity', -1))
)


def facts(out: Path) -> dict[str, str]:
    return dict(json.loads((out / 'summary.json').read_text())['facts'])


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / 'press it.mp4'
    frames = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), np.uint8)
    write_video(path, frames, 10)
    return path


def test_topics_are_found_and_the_folder_is_whole(
    rgbd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / 'out'
    annotations = str(rgbd / 'annotations.json')
    arguments = ['replay', str(rgbd / 'bag'), '--annotations', annotations, '--output', str(out)]
    assert main([*arguments, *ALWAYS_PRESENT]) == 0
    assert 'found in 6 of 6 images' in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        'bag', 'groundings.csv', 'overlay.mp4', 'summary.json',
    ]  # fmt: skip
    assert facts(out)['depth topic'] == '/camera/depth'
    made = json.loads((out / 'summary.json').read_text())['provenance']
    assert made['commit'] == commit()
    assert "'recorded' is selected: " in facts(out)['demonstration']
    assert main(arguments) == 1
    assert 'out exists; choose another folder' in capsys.readouterr().err


def test_a_topic_can_be_the_demonstration_and_the_camera(rgbd: Path, tmp_path: Path) -> None:
    topic = ('--image-topic', '/demonstration', '--demonstration-topic', '/demonstration')
    parts = ('--demonstration-to', '0.35', '--from', '0.35', '--to', '0.75')
    out = tmp_path / 'out'
    arguments = ['replay', str(rgbd / 'bag'), '--output', str(out), '--whole']
    assert main([*arguments, *topic, *parts, *ALWAYS_PRESENT]) == 0
    assert '4 of 4 frames' in facts(out)['demonstration']
    assert json.loads((out / 'summary.json').read_text())['images'] == 4


@pytest.mark.parametrize(('least', 'some'), [('0', True), ('1', False)])
def test_a_peak_of_less_than_the_least_score_is_no_grasp_candidate(
    rgbd: Path, tmp_path: Path, least: str, some: bool
) -> None:
    out = tmp_path / 'out'
    arguments = ['replay', str(rgbd / 'bag'), '--output', str(out), *ALWAYS_PRESENT]
    arguments += ['--set=certainty_threshold=0', f'--set=minimum_candidate_score={least}']
    assert main(arguments) == 0
    with Bag(out / 'bag') as bag:
        written = bag.messages(('/grasp_candidates',), bag.start, bag.end)
        assert any(len(bag.decode(message).poses) for message in written) is some
    assert f'minimum_candidate_score {float(least)}' in facts(out)['settings']


def test_files_and_stored_demonstrations_are_grounded_together(
    rgbd: Path, tmp_path: Path, clip: Path, shipped_model: Path
) -> None:
    store = tmp_path / 'store'
    library = DemonstrationLibrary(ArrayGrounder.load(shipped_model), DemonstrationStore(store))
    library.add(MediaFrames((np.zeros((48, 64, 3), np.uint8),), 1, 0.0), 'kept')
    before = {path: path.stat().st_mtime_ns for path in store.iterdir()}
    out = tmp_path / 'out'
    sources = (
        '--demonstration',
        f'{clip}#t=0,0.15',
        '--demonstration',
        'kept',
        '--store',
        str(store),
    )
    arguments = ['replay', str(rgbd / 'bag'), '--output', str(out), *sources, *ALWAYS_PRESENT]
    assert main(arguments) == 0
    table = (out / 'groundings.csv').read_text()
    assert table.count('\n') == 7
    assert "'press_it' is selected: 2 of 2 frames" in facts(out)['demonstration']
    assert "'kept' is stored in" in facts(out)['demonstration']
    assert {path: path.stat().st_mtime_ns for path in store.iterdir()} == before


@pytest.mark.parametrize(
    ('arguments', 'line'),
    [
        (('--image-topic', '/nope'), 'the bag has no topic /nope; it has /camera/camera_info'),
        (
            ('--demonstration', 'nope'),
            'nope does not exist. To replay a stored demonstration, also',
        ),
        (('--annotations', 'nope.json'), 'nope.json cannot be read as JSON'),
        (('--from', '5', '--to', '2'), 'seconds are 5.0 to 2.0'),
        (('--from', '500'), 'has no image of /camera/image in this window'),
        (('--set', 'depth_wait=-1'), 'depth_wait is -1.0; expected 0 to 10 seconds'),
        (('--set', 'no_such=1'), "--set names 'no_such'; expected NAME=VALUE with one of maximum"),
        (('--demonstration-from', '500'), 'has no frame'),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    rgbd: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    line: str,
) -> None:
    out = tmp_path / 'out'
    assert main(['replay', str(rgbd / 'bag'), '--output', str(out), *arguments]) == 1
    error = [one for one in capsys.readouterr().err.splitlines() if 'error' in one]
    assert len(error) == 1
    assert line in error[0]
    assert list(tmp_path.iterdir()) == []


def _with_a_base(bag: Path, folder: Path) -> Path:
    """A copy of a bag whose camera stands still in `base`."""
    typestore = affordance_typestore()
    factory = RosbagsMessages(typestore)
    pose = factory.create('geometry_msgs/msg/TransformStamped')
    pose.header.frame_id, pose.child_frame_id = 'base', 'camera_optical_frame'
    moved, turned = pose.transform.translation, pose.transform.rotation
    moved.x, moved.y, moved.z = 0.3, -0.2, 0.9
    turned.x, turned.y, turned.z, turned.w = 0.1, 0.5, 0.5, 0.7
    kind = 'tf2_msgs/msg/TFMessage'
    static = typestore.serialize_cdr(factory.create(kind, transforms=[pose]), kind)
    with (
        AnyReader([bag]) as reader,
        Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer,
    ):
        connection = writer.add_connection('/tf_static', kind, typestore=typestore)
        writer.write(connection, reader.start_time, static)
        connections = {
            one.topic: writer.add_connection(one.topic, one.msgtype, typestore=reader.typestore)
            for one in reader.connections
        }
        for one, time, data in reader.messages():
            writer.write(connections[one.topic], time, data)
    return folder


def test_positions_are_in_the_frame_that_is_asked_for(rgbd: Path, tmp_path: Path) -> None:
    bag, out = _with_a_base(rgbd / 'bag', tmp_path / 'bag'), tmp_path / 'out'
    arguments = [
        'replay',
        str(bag),
        '--output',
        str(out),
        *ALWAYS_PRESENT,
        '--set=minimum_presence=0',
    ]
    assert main([*arguments, '--target-frame', 'base']) == 0
    assert facts(out)['positions are in'] == 'base'
    with (out / 'groundings.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    with Bag(out / 'bag') as replayed:
        messages = replayed.messages(('/affordance',), replayed.start, replayed.end)
        affordances = [replayed.decode(one) for one in messages]
    rotation = np.array([[0, -0.6, 0.8], [0.8, 0.48, 0.36], [-0.6, 0.64, 0.48]])
    placed = [(row, one) for row, one in zip(rows, affordances, strict=True) if row['z']]
    assert placed
    for row, affordance in placed:
        expected = rotation @ [float(row[key]) for key in 'xyz'] + [0.3, -0.2, 0.9]
        position = affordance.points[0].position
        assert affordance.position_frame == 'base'
        np.testing.assert_allclose([position.x, position.y, position.z], expected, atol=1e-5)
