# SPDX-License-Identifier: Apache-2.0
"""The ledger of the paper: its rows, where they are, and configurations with its values."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .configurations import resolved

ROOT = Path(__file__).parents[5]
PAGE = ROOT / 'docs/research'
# Rows by their verdict.
COUNTS = {'same': 54, 'differs': 15, 'not here': 3}
SUPERVISED = ('opra/r50', 'epic/r50', 'assistq/r50', 'opra/r50_deconv', 'opra/vitdet_b')
PRETRAINED = ('maskahand/opra', 'maskahand/epic', 'maskahand/assistq')
SYNTHESIS = 'data.init_args.synthesis.'

VALUES: dict[tuple[str, ...], dict[str, Any]] = {
    (*SUPERVISED, *PRETRAINED): {
        'model.architecture.video_encoder': 'shared',
        'model.optimization.weight_decay': 0.05,
        'model.optimization.backbone_factor': 0.1,
        'model.optimization.backbone_scope': 'encoder',
        'trainer.max_steps': 5000,
        'trainer.accumulate_grad_batches': 1,
    },
    ('opra/r50', 'epic/r50', 'assistq/r50'): {
        'model.architecture.image_levels': ('p4', 'p3', 'p2'),
        'model.architecture.video_levels': ('p3',),
        'model.architecture.temporal_strides': (1, 2, 4),
        'model.architecture.residual': 'image_and_decoding',
        'model.architecture.action_pooling': 'mean',
        'model.optimization.learning_rate': 3e-4,
        'model.backbone_weights': 'coco',
    },
    SUPERVISED: {
        'data.init_args.frames': 'uniform 64',
        'data.init_args.batch_size': 16,
        'data.init_args.targets': 1,
        'data.init_args.validation.annotations': None,
    },
    PRETRAINED: {
        'data.init_args.batch_size': 32,
        'data.init_args.frames': 32,
        'data.init_args.interactions': 32,
        'model.loss.actions': 'none',
        f'{SYNTHESIS}masks.shape': 'scaled',
        f'{SYNTHESIS}masks.scale': 1.5,
        f'{SYNTHESIS}masks.random_masks': 1,
        f'{SYNTHESIS}masks.fill': 'noise',
        f'{SYNTHESIS}image.perspective.distortion': 0.5,
        f'{SYNTHESIS}image.perspective.border': 'crop',
        f'{SYNTHESIS}target.form': 'box',
    },
    ('opra/vitdet_b',): {
        'model.optimization.learning_rate': 2e-4,
        'model.architecture.input_size': (1024, 1024),
    },
    ('opra/r50_released',): {
        'model.loss.actions': 'multi_label',
        'model.architecture.heatmap_per_action': True,
        'data.init_args.frames': '2 fps x 32 every 16',
    },
}


def rows() -> list[list[str]]:
    """The cells of the rows of docs/research/paper.md: section, text, verdict and file."""
    lines = (PAGE / 'paper.md').read_text().splitlines()
    cells = [
        [cell.strip() for cell in line.strip('|').split('|')] for line in lines if '|' in line
    ]
    assert cells[0] == ['paper', 'it says', 'here', 'where']
    return cells[2:]


def test_every_row_is_where_it_is_said_to_be() -> None:
    assert Counter(verdict for _, _, verdict, _ in rows()) == COUNTS
    for section, text, verdict, where in rows():
        linked = re.fullmatch(r'\[(.*)\]\((.*)\)', where)
        if linked is None:
            assert verdict == 'not here', (section, text)
            continue
        path = PAGE / linked[2]
        assert path.resolve() == ROOT / linked[1]
        assert path.exists(), where


@pytest.mark.parametrize('names', VALUES)
def test_configurations_have_the_papers_values(names: tuple[str, ...]) -> None:
    for name in names:
        found = resolved(name)
        assert {key: found.get(key) for key in VALUES[names]} == VALUES[names], name
