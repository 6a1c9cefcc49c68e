# SPDX-License-Identifier: Apache-2.0
"""Trains pyramid, decoder and heads over a frozen backbone."""

from __future__ import annotations

import io
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from afformer_core.models.afformer import Afformer
from afformer_core.runtime.model_folder import write_aside
from afformer_core.runtime.weights import save_model
from afformer_core.training.batches import Batch, BatchSource
from afformer_core.training.losses import action_cross_entropy, heatmap_divergence

logger = logging.getLogger(__name__)

_CHECKPOINT_FILE = 'checkpoint.pt'


@dataclass(frozen=True)
class TrainingOptions:
    """How a model is trained.

    Attributes:
        steps: optimisation steps.
        demonstrations: demonstrations in a step.
        targets: target images of each.
        learning_rate: the highest, reached after `warmup_steps`, then lowered by a cosine.
        weight_decay: of AdamW, off norms and biases.
        warmup_steps: of linear increase.
        action_weight: weight of the action's cross-entropy beside the heatmap's divergence.
        average_decay: of the moving average of the weights, which is what is saved.
        checkpoint_seconds: time between checkpoints.
        seed: of weights and order.
    """

    steps: int
    demonstrations: int = 12
    targets: int = 3
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup_steps: int = 200
    action_weight: float = 0.5
    average_decay: float = 0.998
    checkpoint_seconds: float = 120.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.demonstrations < 1 or self.targets < 1:
            raise ValueError(
                f'steps {self.steps}, demonstrations {self.demonstrations} and targets '
                f'{self.targets} must each be at least 1'
            )


class Trainer:
    """Trains one model; stopped and started again, it goes on where the checkpoint stands.

    Args:
        model: its backbone stays as it is.
        source: of batches.
        options: how to train.
        folder: model folder, where the checkpoint and the averaged weights are written.
        description: written into `model.json`, with the options.
    """

    def __init__(
        self,
        model: Afformer,
        source: BatchSource,
        options: TrainingOptions,
        folder: Path,
        description: Mapping[str, Any],
    ) -> None:
        self._model = model
        self._source = source
        self._options = options
        self._folder = folder
        self._description = dict(description)
        model.encoder.backbone_with_fpn.body.requires_grad_(False)
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._averages = [p.detach().clone() for p in self._parameters]
        self._optimizer = torch.optim.AdamW(_decay_groups(model, options.weight_decay))
        self._step = 0

    def run(self) -> None:
        """Train to the last step and write the model folder."""
        self._resume()
        written = time.monotonic()
        means: dict[str, float] = {}
        with tqdm(total=self._options.steps, initial=self._step, desc='training') as progress:
            while self._step < self._options.steps:
                _accumulate(means, self._train_step(self._source.batch(self._step)))
                self._step += 1
                progress.update()
                if self._step % 50 == 0:
                    text = ' '.join(f'{name} {value:.3f}' for name, value in means.items())
                    progress.set_postfix_str(text)
                    logger.info('step %d %s', self._step, text)
                if time.monotonic() - written > self._options.checkpoint_seconds:
                    self._write_checkpoint()
                    self._write_model()
                    written = time.monotonic()
        self._write_checkpoint()
        self._write_model()

    def _train_step(self, batch: Batch) -> dict[str, float]:
        self._model.train()
        self._model.encoder.backbone_with_fpn.body.eval()
        rate = _learning_rate(self._step, self._options)
        for group in self._optimizer.param_groups:
            group['lr'] = rate
        with torch.autocast('cpu', torch.bfloat16):
            heatmaps, actions = forward_batch(self._model, batch)
        divergence = heatmap_divergence(heatmaps[:, 0], batch.heatmaps)
        cross_entropy = action_cross_entropy(actions, batch.actions)
        loss = divergence + self._options.action_weight * cross_entropy
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        self._average()
        correct = (actions.argmax(dim=1) == batch.actions).float().mean()
        return {
            'kld': divergence.item(), 'action_loss': cross_entropy.item(),
            'action_accuracy': correct.item(),
        }  # fmt: skip

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self._options.average_decay, (1 + self._step) / (10 + self._step))
        for average, parameter in zip(self._averages, self._parameters, strict=True):
            average.lerp_(parameter, 1 - decay)

    def _write_checkpoint(self) -> None:
        content = io.BytesIO()
        torch.save(
            {
                'step': self._step,
                'model': self._model.state_dict(),
                'averages': self._averages,
                'optimizer': self._optimizer.state_dict(),
            },
            content,
        )
        write_aside(self._folder / _CHECKPOINT_FILE, content.getvalue())

    def _resume(self) -> None:
        path = self._folder / _CHECKPOINT_FILE
        if not path.is_file():
            return
        state = torch.load(path, map_location='cpu', weights_only=True)
        self._model.load_state_dict(state['model'])
        self._averages = list(state['averages'])
        self._optimizer.load_state_dict(state['optimizer'])
        self._step = int(state['step'])
        logger.info('resumed at step %d', self._step)

    @torch.no_grad()
    def _write_model(self) -> None:
        """Save the averaged weights in half precision."""
        current = [parameter.clone() for parameter in self._parameters]
        for parameter, average in zip(self._parameters, self._averages, strict=True):
            parameter.copy_(average)
        training = {**self._description, 'options': asdict(self._options), 'step': self._step}
        save_model(self._folder, self._model, training, torch.float16)
        for parameter, value in zip(self._parameters, current, strict=True):
            parameter.copy_(value)


def forward_batch(model: Afformer, batch: Batch) -> tuple[Tensor, Tensor]:
    """Heatmap logits [D * K, heatmaps, H, W] and action logits [D * K, actions] of a batch."""
    pyramid = model.encoder.backbone_with_fpn.pyramid
    demonstrations, frames = batch.videos[0].shape[:2]
    stages = [stage.flatten(0, 1).float() for stage in batch.videos]
    features = pyramid(stages, ('p3',))[0].unflatten(0, (demonstrations, frames))
    memory = model.memorize(features).repeated(len(batch.heatmaps) // demonstrations)
    levels = pyramid([stage.float() for stage in batch.images], model.encoder.image_levels)
    return model.ground_levels(levels, memory)


def _decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    trained = [p for p in model.parameters() if p.requires_grad]
    return [
        {'params': [p for p in trained if p.ndim > 1], 'weight_decay': weight_decay},
        {'params': [p for p in trained if p.ndim <= 1], 'weight_decay': 0.0},
    ]


def _learning_rate(step: int, options: TrainingOptions) -> float:
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    rest = (step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    return options.learning_rate * 0.5 * (1 + math.cos(math.pi * rest))


def _accumulate(means: dict[str, float], values: Mapping[str, float]) -> None:
    for name, value in values.items():
        means[name] = value if name not in means else 0.98 * means[name] + 0.02 * value
