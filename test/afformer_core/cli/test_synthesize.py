# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.offline.maskahand.mining.index import read_index

from ..offline.maskahand.mined_videos import write_index, write_mined

CONFIGURATION = """
model:
  architecture:
    preset: afformer_small
    input_size: [64, 64]
data:
  class_path: afformer_core.offline.maskahand.pretraining.pretraining_data.MaskAHandData
  init_args:
    index: {index}
    frames: 4
    targets: 2
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    (tmp_path / 'videos').mkdir()
    path = tmp_path / 'configuration.yaml'
    path.write_text(CONFIGURATION.format(index=write_mined(tmp_path / 'videos')))
    return path


def synthesize(configuration: Path, *more: str) -> int:
    return main(['synthesize', '-c', str(configuration), *more])


@pytest.mark.parametrize(('share', 'hand_free'), [(0, 0), (0.5, 3)])
def test_what_targets_are_made_of_is_told(
    configuration: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    share: float,
    hand_free: int,
) -> None:
    path = tmp_path / 'videos' / 'index.json'
    index = read_index(path)
    # Hands touch from frame 6 on, and are seen from there on.
    videos = [
        replace(video, hands={frame: video.hands[frame] for frame in range(6, 12)})
        for video in index.videos
    ]
    write_index(path, replace(index, videos=tuple(videos)))
    later = tmp_path / 'later.yaml'
    later.write_text(
        f'data: {{init_args: {{targets: 1, synthesis: {{hand_free_share: {share}}}, '
        'validation: {annotations: nowhere/validation.json}}}'
    )
    output = tmp_path / 'grid.png'
    more = '-c', str(later), '--output', str(output), '--clips', '2', '--side', '40'

    assert synthesize(configuration, *more) == 0

    # the later file halves the targets, and what it validates on need not be there
    assert cv2.imread(str(output)).shape == (2 * 44 - 4, 5 * 44 - 4, 3)
    assert capsys.readouterr().out == (
        f'{output}: 2 of 3 clips. In total, targets are from 18 frames with hands in '
        f'contact and {hand_free} frames before a hand appears\n'
    )


@pytest.mark.parametrize(
    ('content', 'text'),
    [
        ('data: {init_args: {synthesis: {masks: {scle: 2}}}}', 'scle'),
        ('data: {init_args: {synthesis: {masks: {scale: 0.5}}}}', 'scale is 0.5'),
        ('data: {', 'later.yaml cannot be used: while parsing'),
    ],
)
def test_bad_configurations_are_refused_in_one_line(
    configuration: Path,
    tmp_path: Path,
    content: str,
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    later = tmp_path / 'later.yaml'
    later.write_text(content)
    assert synthesize(configuration, '-c', str(later), '--output', str(tmp_path / 'grid.png')) == 1
    error = capsys.readouterr().err
    assert text in error
    assert error.count('\n') == 1


def test_data_of_another_training_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'images' / 'a.png'), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / 'points.csv').write_text('demonstration,image,action,x,y\na.mp4,a.png,pull,3,4\n')
    path = tmp_path / 'own.yaml'
    path.write_text(
        'model: {architecture: {preset: afformer_small, input_size: [64, 64]}}\n'
        'data: {class_path: afformer_core.offline.training.datasets.image_data.ImageData, '
        f'init_args: {{train: {{annotations: {tmp_path}}}}}}}'
    )
    assert synthesize(path, '--output', str(tmp_path / 'grid.png')) == 1
    assert 'is ImageData; expected MaskAHandData' in capsys.readouterr().err
