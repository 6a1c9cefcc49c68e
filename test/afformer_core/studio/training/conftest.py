# SPDX-License-Identifier: Apache-2.0
"""Marked pairs, and a configuration that trains on them in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml


@pytest.fixture(scope='session')
def tiny_configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configuration of trainings on images of 64x64."""
    content = {
        'model': {
            'architecture': {
                'preset': 'afformer_small',
                'input_size': [64, 64],
                'maximum_frames': 4,
            },
            'optimization': {'learning_rate': 1e-3, 'backbone_factor': 0.0},
        },
        'data': {
            'class_path': 'afformer_core.offline.training.datasets.image_data.ImageData',
            'init_args': {
                'train': {'annotations': 'my_pairs'},
                'frames': 'uniform 2',
                'batch_size': 2,
                'workers': 0,
            },
        },
        'trainer': {
            'accelerator': 'cpu',
            'max_steps': 40,
            'val_check_interval': 500,
            'check_val_every_n_epoch': None,
            'num_sanity_val_steps': 0,
        },
    }
    path = tmp_path_factory.mktemp('tiny') / 'tiny.yaml'
    path.write_text(yaml.safe_dump(content))
    return path
