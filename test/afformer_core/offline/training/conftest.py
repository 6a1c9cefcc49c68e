# SPDX-License-Identifier: Apache-2.0
"""A few tiny images in the form of OPRA, and the options that train on them in seconds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from afformer_core.media.video import write_video

# Of a model that learns something in a few steps on two cores.
MODEL = [
    '--model.architecture.preset=afformer_small',
    '--model.architecture.input_size=[64,64]',
    '--model.architecture.maximum_frames=4',
    '--model.optimization.backbone_factor=0',
    '--model.optimization.learning_rate=1e-3',
]
TRAINER = [
    '--trainer.accelerator=cpu',
    '--trainer.devices=1',
    '--trainer.val_check_interval=100',
    '--trainer.check_val_every_n_epoch=null',
    '--trainer.num_sanity_val_steps=0',
    '--trainer.enable_progress_bar=false',
    '--trainer.enable_model_summary=false',
    '--trainer.log_every_n_steps=1',
]


def write_pairs(root: Path, shortest: int = 2) -> Path:
    """Four demonstrations of some frames each, two images each; the point is where a disc is."""
    rng = np.random.default_rng(0)
    entries = []
    for video in range(4):
        frames = rng.integers(0, 256, (shortest + video, 64, 64, 3), np.uint8)
        write_video(root / f'{video}.mp4', frames, 4.0)
        for target in range(2):
            image = rng.integers(0, 100, (64, 64, 3), np.uint8)
            x, y = rng.integers(10, 54, 2).tolist()
            cv2.circle(image, (x, y), 6, (255, 255, 255), -1)
            cv2.imwrite(str(root / f'{video}_{target}.png'), image)
            entries.append(
                {
                    'image_path': f'{video}_{target}.png',
                    'width': 64,
                    'height': 64,
                    'actions': [1 + video % 2],
                    'heatmaps': [[[x, y]]],
                    'video_path': f'{video}.mp4',
                }
            )
    # Two actions in one image.
    entries[0]['actions'] = [1, 2]
    entries[0]['heatmaps'] = [[[20, 20]], [[40, 44], [41, 44]]]
    (root / 'actions.json').write_text('["press", "hold"]')
    (root / 'train.json').write_text(json.dumps(entries))
    return root / 'train.json'


def write_contact(annotations: Path, shortest: int) -> None:
    """Tell what clips of `write_pairs` touch: the pixel (9, 30), from the second frame on."""
    entries = json.loads(annotations.read_text())
    for entry in entries:
        frames = shortest + int(Path(entry['video_path']).stem)
        entry['contact'] = [1, frames - 1]
        entry['contact_point'] = [[9, 30]] * frames
        entry['clip_size'] = [64, 64]
    annotations.write_text(json.dumps(entries))


def images(annotations: Path, *more: str) -> list[str]:
    """Options of training on images."""
    return [
        '--data=afformer_core.offline.training.datasets.image_data.ImageData',
        f'--data.train.annotations={annotations}',
        f'--data.validation.annotations={annotations}',
        '--data.frames=uniform 4',
        '--data.batch_size=4',
        '--data.workers=0',
        *MODEL,
        *TRAINER,
        *more,
    ]


def learnt(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of the last checkpoint."""
    state = torch.load(folder / 'checkpoints' / 'last.ckpt', weights_only=True)
    return dict(state['state_dict'])


@contextmanager
def power_cut(kind: type[Any]) -> Iterator[None]:
    """Let the training end at its fourth step."""
    take_step = kind.training_step

    def fail_at_three(self: Any, batch: object, index: int) -> torch.Tensor:
        if self.global_step == 3:
            raise OSError('the power failed')
        return take_step(self, batch, index)

    with pytest.MonkeyPatch.context() as once:
        once.setattr(kind, 'training_step', fail_at_three)
        with pytest.raises(OSError, match='power'):
            yield


@pytest.fixture(scope='session')
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp('pairs'))
