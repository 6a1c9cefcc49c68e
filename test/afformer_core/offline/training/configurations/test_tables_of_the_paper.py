# SPDX-License-Identifier: Apache-2.0
"""Changes that each row of the paper's tables makes to the configuration it is given after.

A row that is the paper's default changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .configurations import OVERLAYS, changes, label

ARCHITECTURE = 'model.architecture.'
IMAGE, VIDEO = f'{ARCHITECTURE}image_levels', f'{ARCHITECTURE}video_levels'
STRIDES = f'{ARCHITECTURE}temporal_strides'
MASKS = 'data.init_args.synthesis.masks.'
DISTORTION = 'data.init_args.synthesis.image.perspective.distortion'
FLAT = {DISTORTION: 0.0}
# Tables 4a, 4b and 7 are of models that attend to all frames at every step.
WHOLE = {STRIDES: (1, 1, 1)}
COARSE = {IMAGE: ('p4',), STRIDES: (1,)}

LEVELS = {'8x8': 'p5', '16x16': 'p4', '32x32': 'p3', '64x64': 'p2'}

ROWS: dict[str, dict[str, Any]] = {
    'table_1/resnet50_deconv': {f'{ARCHITECTURE}decoder': 'deconvolution', **COARSE},
    'table_1/demo2vec_lstm': {f'{ARCHITECTURE}decoder': 'lstm', **COARSE},
    'table_1/demo2vec_conv_lstm': {f'{ARCHITECTURE}decoder': 'conv_lstm', **COARSE},
    'table_1/demo2vec_tsa_conv_lstm': {f'{ARCHITECTURE}decoder': 'attended_conv_lstm', **COARSE},
    'table_2/size_28': {'model.loss.heatmap_size': [28, 28]},
    'table_2/img2heatmap': {f'{ARCHITECTURE}decoder': 'image_only', **COARSE, VIDEO: ('p4',)},
    **{
        f'table_4a/image_{image}_video_{video}': {
            IMAGE: (LEVELS[image],),
            STRIDES: (1,),
            **({} if video == '32x32' else {VIDEO: (LEVELS[video],)}),
        }
        for image, video in (
            *((side, '8x8') for side in LEVELS),
            *(('32x32', side) for side in ('16x16', '32x32', '64x64')),
        )
    },
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
    **{
        f'table_5a/hand_1_random_{masks}_scale_{scale}': {
            **FLAT,
            **({} if masks == 1 else {f'{MASKS}random_masks': masks}),
            **({} if scale == 1.5 else {f'{MASKS}scale': scale}),
        }
        for masks, scale in (
            (0, 1.0),
            (0, 1.5),
            (0, 2.0),
            (0, 3.0),
            (1, 1.5),
            (1, 2.0),
            (2, 2.0),
        )
    },
    'table_5b/distortion_0': FLAT,
    'table_5b/distortion_0.25': {DISTORTION: 0.25},
    'table_5b/distortion_0.5': {},
    'table_5b/distortion_1.0': {DISTORTION: 1.0},
    'table_7a/shared': WHOLE,
    'table_7a/backbone_separate': {f'{ARCHITECTURE}video_encoder': 'separate', **WHOLE},
    'table_7a/input_projection_separate': {f'{ARCHITECTURE}video_projection': 'separate', **WHOLE},
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
