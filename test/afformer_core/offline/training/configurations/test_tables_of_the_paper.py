# SPDX-License-Identifier: Apache-2.0
"""Changes that each row of the paper's tables makes to the configuration it is given after.

A row that is the paper's default changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .configurations import OVERLAYS, changes, label, resolved

ARCHITECTURE = 'model.architecture.'
IMAGE, VIDEO = f'{ARCHITECTURE}image_levels', f'{ARCHITECTURE}video_levels'
STRIDES = f'{ARCHITECTURE}temporal_strides'
MASKS = 'data.init_args.synthesis.masks.'
DISTORTION = 'data.init_args.synthesis.image.perspective.distortion'
FLAT = {DISTORTION: 0.0}
# Tables 4a, 4b and 7 are of models that attend to all frames at every step.
WHOLE = {STRIDES: (1, 1, 1)}
COARSE = {IMAGE: ('p4',), STRIDES: (1,)}

ROWS: dict[str, dict[str, Any]] = {
    'table_1/resnet50_deconv': {f'{ARCHITECTURE}decoder': 'deconvolution', **COARSE},
    'table_1/demo2vec_lstm': {f'{ARCHITECTURE}decoder': 'lstm', **COARSE},
    'table_1/demo2vec_conv_lstm': {f'{ARCHITECTURE}decoder': 'conv_lstm', **COARSE},
    'table_1/demo2vec_tsa_conv_lstm': {f'{ARCHITECTURE}decoder': 'attended_conv_lstm', **COARSE},
    'table_2/size_28': {'model.loss.heatmap_size': [28, 28]},
    'table_2/img2heatmap': {
        f'{ARCHITECTURE}decoder': 'image_only',
        **COARSE,
        VIDEO: ('p4',),
    },
    'table_4a/image_8x8_video_8x8': {IMAGE: ('p5',), VIDEO: ('p5',), STRIDES: (1,)},
    'table_4a/image_16x16_video_8x8': {IMAGE: ('p4',), VIDEO: ('p5',), STRIDES: (1,)},
    'table_4a/image_32x32_video_8x8': {IMAGE: ('p3',), VIDEO: ('p5',), STRIDES: (1,)},
    'table_4a/image_64x64_video_8x8': {IMAGE: ('p2',), VIDEO: ('p5',), STRIDES: (1,)},
    'table_4a/image_32x32_video_16x16': {IMAGE: ('p3',), VIDEO: ('p4',), STRIDES: (1,)},
    'table_4a/image_32x32_video_32x32': {IMAGE: ('p3',), STRIDES: (1,)},
    'table_4a/image_32x32_video_64x64': {IMAGE: ('p3',), VIDEO: ('p2',), STRIDES: (1,)},
    'table_4b/image_32x32_video_32x32': {IMAGE: ('p3',), STRIDES: (1,)},
    'table_4b/image_32x32_video_16x16_to_32x32': {
        IMAGE: ('p3', 'p3'),
        VIDEO: ('p4', 'p3'),
        STRIDES: (1, 1),
    },
    'table_4b/image_16x16_to_32x32_video_32x32': {IMAGE: ('p4', 'p3'), STRIDES: (1, 1)},
    'table_4b/image_8x8_to_32x32_video_32x32': {IMAGE: ('p5', 'p4', 'p3'), **WHOLE},
    'table_4b/image_16x16_to_64x64_video_32x32': WHOLE,
    'table_4b/image_8x8_to_64x64_video_32x32': {
        IMAGE: ('p5', 'p4', 'p3', 'p2'),
        STRIDES: (1, 1, 1, 1),
    },
    'table_4c/strides_1_1_1': WHOLE,
    'table_4c/strides_1_2_2': {STRIDES: (1, 2, 2)},
    'table_4c/strides_1_2_4': {},
    'table_5a/hand_0_random_0': {f'{MASKS}shape': 'none', f'{MASKS}random_masks': 0, **FLAT},
    'table_5a/hand_1_random_0_scale_1.0': {
        f'{MASKS}scale': 1.0,
        f'{MASKS}random_masks': 0,
        **FLAT,
    },
    'table_5a/hand_1_random_0_scale_1.5': {f'{MASKS}random_masks': 0, **FLAT},
    'table_5a/hand_1_random_0_scale_2.0': {
        f'{MASKS}scale': 2.0,
        f'{MASKS}random_masks': 0,
        **FLAT,
    },
    'table_5a/hand_1_random_0_scale_3.0': {
        f'{MASKS}scale': 3.0,
        f'{MASKS}random_masks': 0,
        **FLAT,
    },
    'table_5a/hand_1_random_1_scale_1.5': FLAT,
    'table_5a/hand_1_random_1_scale_2.0': {f'{MASKS}scale': 2.0, **FLAT},
    'table_5a/hand_1_random_2_scale_2.0': {
        f'{MASKS}scale': 2.0,
        f'{MASKS}random_masks': 2,
        **FLAT,
    },
    'table_5b/distortion_0': FLAT,
    'table_5b/distortion_0.25': {DISTORTION: 0.25},
    'table_5b/distortion_0.5': {},
    'table_5b/distortion_1.0': {DISTORTION: 1.0},
    'table_7a/shared': WHOLE,
    'table_7a/backbone_separate': {f'{ARCHITECTURE}video_encoder': 'separate', **WHOLE},
    'table_7a/input_projection_separate': {
        f'{ARCHITECTURE}video_projection': 'separate',
        **WHOLE,
    },
    'table_7b/input_projection_per_level_decoder_shared': WHOLE,
    'table_7b/input_projection_shared': {f'{ARCHITECTURE}input_projection': 'shared', **WHOLE},
    'table_7b/decoder_per_level': {f'{ARCHITECTURE}decoder_blocks': 'per_step', **WHOLE},
    'table_8/zero': {f'{MASKS}fill': 'zero'},
    'table_8/random': {},
    'equation_8/residual_of_image': {f'{ARCHITECTURE}residual': 'image'},
    'equation_8/residual_of_image_and_decoding': {},
}
FILES = {
    label(path).removeprefix('ablations/'): path
    for path in OVERLAYS
    if path.parent.name.startswith(('table_', 'equation_'))
}


def test_every_row_has_a_file_and_every_file_is_a_row() -> None:
    assert FILES.keys() == ROWS.keys()


@pytest.mark.parametrize('row', ROWS)
def test_a_row_changes_what_it_says_and_nothing_else(row: str) -> None:
    path: Path = FILES[row]
    assert changes(path) == ROWS[row]


@pytest.mark.parametrize('row', [row for row in ROWS if row.startswith(('table_4', 'table_7'))])
def test_a_row_has_the_same_steps_after_the_small_training(row: str) -> None:
    ours, theirs = (
        resolved(whole, f'ablations/{row}') for whole in ('simulated/ablation', 'opra/r50')
    )
    assert [ours[field] for field in (IMAGE, VIDEO, STRIDES)] == [
        theirs[field] for field in (IMAGE, VIDEO, STRIDES)
    ]
