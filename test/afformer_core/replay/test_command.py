# SPDX-License-Identifier: Apache-2.0
"""`afformer replay`: from arguments to a folder, or one line that says why not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.files.provenance import commit
from afformer_core.media.video import write_video
from afformer_core.runtime import ArrayGrounder

ALWAYS_PRESENT = tuple(
    f'--minimum-{name}={least}'
    for name, least in (('confidence', 0), ('feature-similarity', -1), ('continuity', -1))
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
    assert main([*arguments, *ALWAYS_PRESENT, '--certainty-threshold=0.58']) == 0
    assert 'found in 6 of 6 images' in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        'groundings.csv', 'overlay.mp4', 'summary.json',
    ]  # fmt: skip
    assert facts(out)['depth topic'] == '/camera/depth'
    assert 'certainty_threshold 0.58' in facts(out)['settings']
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
        (('--demonstration', 'nope'), 'nope does not exist. Give --store FOLDER for a stored one'),
        (('--annotations', 'nope.json'), '--annotations is nope.json, which does not exist'),
        (('--from', '5', '--to', '2'), 'seconds are 5.0 to 2.0'),
        (('--from', '500'), 'has no image of /camera/image in this window'),
        (('--depth-wait', '-1'), 'depth_wait is -1.0; expected 0 to 10 seconds'),
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
