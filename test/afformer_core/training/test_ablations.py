# SPDX-License-Identifier: Apache-2.0
"""What each architectural ablation changes of an experiment, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from afformer_core.data.opra import OPRA_ACTIONS
from afformer_core.training.architecture import Architecture

CONFIGURATIONS = Path(__file__).parents[3] / 'config' / 'train'
FOLDERS = ('table_4a', 'table_4b', 'table_4c', 'table_7a', 'table_7b', 'equation_8')


def steps(image: str, video: str, strides: tuple[int, ...]) -> dict[str, Any]:
    return {
        'image_levels': tuple(image.split()),
        'video_levels': tuple(video.split()),
        'temporal_strides': strides,
    }


# Strides of 32, 16, 8 and 4 pixels are p5 to p2: 8x8 to 64x64 of 256x256.
DEFAULT = steps('p4 p3 p2', 'p3', (1, 1, 1))
ROWS = {
    'table_4a/image_8x8_video_8x8': steps('p5', 'p5', (1,)),
    'table_4a/image_16x16_video_8x8': steps('p4', 'p5', (1,)),
    'table_4a/image_32x32_video_8x8': steps('p3', 'p5', (1,)),
    'table_4a/image_64x64_video_8x8': steps('p2', 'p5', (1,)),
    'table_4a/image_32x32_video_16x16': steps('p3', 'p4', (1,)),
    'table_4a/image_32x32_video_32x32': steps('p3', 'p3', (1,)),
    'table_4a/image_32x32_video_64x64': steps('p3', 'p2', (1,)),
    'table_4b/image_32x32_video_32x32': steps('p3', 'p3', (1,)),
    'table_4b/image_32x32_video_16x16_to_32x32': steps('p3 p3', 'p4 p3', (1, 1)),
    'table_4b/image_16x16_to_32x32_video_32x32': steps('p4 p3', 'p3', (1, 1)),
    'table_4b/image_8x8_to_32x32_video_32x32': steps('p5 p4 p3', 'p3', (1, 1, 1)),
    'table_4b/image_16x16_to_64x64_video_32x32': DEFAULT,
    'table_4b/image_8x8_to_64x64_video_32x32': steps('p5 p4 p3 p2', 'p3', (1, 1, 1, 1)),
    'table_4c/strides_1_1_1': DEFAULT,
    'table_4c/strides_1_2_2': steps('p4 p3 p2', 'p3', (1, 2, 2)),
    'table_4c/strides_1_2_4': steps('p4 p3 p2', 'p3', (1, 2, 4)),
    'table_7a/shared': DEFAULT,
    'table_7a/backbone_separate': DEFAULT | {'video_encoder': 'separate'},
    'table_7a/input_projection_separate': DEFAULT | {'video_projection': 'separate'},
    'table_7b/input_projection_per_level_decoder_shared': DEFAULT,
    'table_7b/input_projection_shared': DEFAULT | {'input_projection': 'shared'},
    'table_7b/decoder_per_level': DEFAULT | {'decoder_blocks': 'per_step'},
    'equation_8/residual_of_image': {'residual': 'image'},
    'equation_8/residual_of_image_and_decoding': {'residual': 'image_and_decoding'},
}  # fmt: skip


def test_every_row_has_a_file() -> None:
    folder = CONFIGURATIONS / 'ablations'
    files = [path for name in FOLDERS for path in (folder / name).iterdir()]

    assert {str(path.relative_to(folder).with_suffix('')) for path in files} == set(ROWS)


def resolved(*names: str) -> dict[str, Any]:
    """The whole architecture of an experiment and what is given after it."""
    given: dict[str, Any] = {}
    for name in names:
        content = yaml.safe_load((CONFIGURATIONS / f'{name}.yaml').read_text())
        architecture = content['model']['architecture']
        given |= {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in architecture.items()
        }
    return Architecture(**given).configuration(OPRA_ACTIONS).to_json()


@pytest.mark.parametrize('row', ROWS)
@pytest.mark.parametrize('experiment', ['opra/r50', 'simulated/ablation'])
def test_a_row_changes_what_it_says(row: str, experiment: str) -> None:
    before, after = resolved(experiment), resolved(experiment, f'ablations/{row}')

    assert after == before | ROWS[row]


@pytest.mark.parametrize('row', ROWS)
def test_a_row_says_nothing_beside_the_architecture(row: str) -> None:
    content = yaml.safe_load((CONFIGURATIONS / 'ablations' / f'{row}.yaml').read_text())

    assert set(content) == {'model'}
    assert set(content['model']) == {'architecture'}
    assert set(content['model']['architecture']) == set(ROWS[row])
