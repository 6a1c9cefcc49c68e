# SPDX-License-Identifier: Apache-2.0
"""The time of a camera image is measured with everything that the node does for it."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.cli import bench as command
from afformer_core.files.provenance import commit, machine
from afformer_core.offline.benchmarks.image_path import measure_image_path, parse_size
from afformer_core.offline.reports.tables import Table
from afformer_core.runtime import ArrayGrounder

from .conftest import bench


@pytest.fixture(scope='module')
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    noise = np.random.default_rng(5).integers(0, 256, (6, 72, 96, 3), np.uint8)
    video = tmp_path_factory.mktemp('files') / 'press.mp4'
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*'mp4v'), 10, (96, 72))
    for frame in noise[1:]:
        writer.write(frame)
    writer.release()
    cv2.imwrite(str(video.with_name('camera.png')), noise[0])
    return video, video.with_name('camera.png')


def test_each_part_is_in_the_total(random_folder: Path, files: tuple[Path, Path]) -> None:
    grounder = ArrayGrounder.load(random_folder, 'torch', 1)
    image = cv2.imread(str(files[1]))
    predicted: list[tuple[tuple[int, ...], tuple[str, ...]]] = []
    predict = grounder.predict

    def watched(shown: np.ndarray, *names: str) -> object:
        predicted.append((shown.shape, names))
        return predict(shown, *names)

    grounder.predict = watched  # type: ignore[method-assign, assignment]
    times = measure_image_path(grounder, files[0], np.asarray(image, np.uint8), 2, (160, 120))

    assert set(predicted) == {((120, 160, 3), ('0', '1'))}
    assert (times['demonstrations'], times['size'], times['decides']) == (2, '160x120', 'decoder')
    assert min(times['decode'], times['predict'], times['compose'], times['rest']) > 0
    # Medians of the parts may not belong to the same run.
    assert times['total'] == pytest.approx(
        times['decode'] + times['predict'] + times['compose'], rel=0.5
    )
    assert times['images_per_second'] == pytest.approx(1000 / times['total'])


@pytest.mark.slow
def test_the_command_has_a_row_for_each_combination(
    random_folder: Path, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ['--video', files[0], '--image', files[1], '--demonstrations', 1, 3, '--json', '-']
    variants = ['--variants', 'torch:fp32', 'tensorrt:fp16']
    assert bench(random_folder, *words, '--camera-sizes', '96x72', '192x144', *variants) == 0

    (table,) = json.loads(capsys.readouterr().out)['tables']
    *measured, refused = table['rows']
    assert measured == [
        f'torch fp32, {count}, {size}' for count in (1, 3) for size in ('96x72', '192x144')
    ]
    assert table['rows'][refused]['decides'].startswith('cannot: ')


def test_the_report_names_its_machine_commit_and_files(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table('one image', ('ms',), {'here': (7.5,)})
    monkeypatch.setattr(command, '_image_tables', lambda arguments: [table])
    assert bench('--video', files[0], '--image', files[1], '--json', '-') == 0

    report = json.loads(capsys.readouterr().out)
    assert report['tables'] == [table.to_json()]
    provenance = report['provenance']
    assert (provenance['commit'], provenance['machine']) == (commit(), machine())
    hashes = {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert provenance['data'] == hashes


@pytest.mark.parametrize('text', ['640', '640x', '0x480', '640x480x3', '-640x480'])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r'expected width x height, such as 640x480'):
        parse_size(text)


def test_a_video_needs_an_image(random_folder: Path, files: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match='--video is given and --image is not; expected both'):
        bench(random_folder, '--video', files[0])
