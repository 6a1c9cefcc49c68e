# SPDX-License-Identifier: Apache-2.0
"""The common part of trainings: checks of the loss, the optimizer and its schedule."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from typing_extensions import Self

from afformer_core.licences import Ingredient
from afformer_core.models.afformer import Afformer
from afformer_core.models.decoders.predictor import Predictor
from afformer_core.models.layers.attention import CrossAttention3d, SelfAttention2d


class ModelTraining(LightningModule):
    """The training of a model whose loss is checked before anything is written.

    Args:
        model: the model to train.
        optimization: the optimizer and its rates.

    Attributes:
        model, optimization: see the arguments.
        metrics: names of the measures of a validation, after `validation/`; the first one decides
            which model is the best.
        sign: 1 if a higher value of it is better, -1 if a lower one is.
        ingredients: ingredients of the initial weights; empty for random ones.
    """

    model: nn.Module
    metrics: ClassVar[tuple[str, ...]]
    sign: ClassVar[int] = 1
    ingredients: tuple[Ingredient, ...] = ()

    def __init__(self, model: nn.Module, optimization: Optimization) -> None:
        super().__init__()
        self.model = model
        self.optimization = optimization
        self._last_loss = torch.zeros(())
        # The trainer does not change modes.
        self.train()

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002
        """Set the training mode, except that batch norms keep their pretrained statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    @abstractmethod
    def save(
        self, folder: Path, model: Any, training: Mapping[str, Any], dtype: torch.dtype
    ) -> None:
        """Write a model folder.

        Args:
            folder: the folder.
            model: the model in training, or the moving average of it.
            training: description of the training, with its measures.
            dtype: type in which the weights are stored.
        """

    def note_loss(self, loss: Tensor, steps_unchecked: int = 1) -> None:
        """Keep the loss of a step for the checks, and check it at intervals.

        Args:
            loss: the loss.
            steps_unchecked: number of steps between checks; each check waits for the device.

        Raises:
            ValueError: see `require_finite_loss`.
        """
        self._last_loss = loss.detach()
        if self.global_step % steps_unchecked == 0:
            self.require_finite_loss()

    def require_finite_loss(self) -> None:
        """Check the last loss, which waits for the device.

        Raises:
            ValueError: it is not finite; neither are the weights after such a step.
        """
        if not math.isfinite(loss := float(self._last_loss)):
            raise ValueError(
                f'training diverged: the loss is {loss} at step {self.global_step}. Lower '
                'model.optimization.learning_rate, clip gradients (trainer.gradient_clip_val: 1), '
                'or train in a wider precision'
            )

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        """Log the learning rate of the step, the highest of all parameters."""
        (optimizer,) = self.trainer.optimizers
        self.log('learning_rate', max(group['lr'] for group in optimizer.param_groups))

    def on_train_epoch_end(self) -> None:
        """Check the loss of the last step before the model is written."""
        self.require_finite_loss()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check the loss, so that no broken checkpoint replaces a usable one."""
        self.require_finite_loss()

    def on_validation_epoch_start(self) -> None:
        """Check the loss before a validation."""
        self.require_finite_loss()

    def configure_optimizers(self) -> Any:
        """Build AdamW and its schedule over the trainer's steps."""
        optimizer = self.optimization.optimizer(self.model)
        share = partial(self.optimization.share, steps=self.trainer.max_steps)
        return {
            'optimizer': optimizer,
            'lr_scheduler': {'scheduler': LambdaLR(optimizer, share), 'interval': 'step'},
        }


def freeze_softmax_invariant_biases(model: Afformer) -> None:
    """Freeze, in place, the last bias of the heatmaps and the biases of keys.

    The former adds a constant to every pixel of a heatmap, the latter to all scores of a query,
    which a softmax cancels. Their gradients are zero except for rounding errors, which AdamW would
    amplify to full steps, so that two trainings that differ only in rounding would diverge.
    """
    if isinstance(model.predictor, Predictor):
        model.predictor.upsampler[-1].bias.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, CrossAttention3d):
            module.k_proj.bias.requires_grad_(False)
        elif isinstance(module, SelfAttention2d) and module.qkv.bias.requires_grad:
            module.qkv.bias.register_hook(_without_keys)


def _without_keys(gradient: Tensor) -> Tensor:
    """Zero the keys' part of the gradient of the biases of queries, keys and values."""
    queries, keys, values = gradient.chunk(3)
    return torch.cat((queries, torch.zeros_like(keys), values))


# Names of pretrained backbone parts of an encoder and of a hand detector.
_BACKBONE = ('.backbone_with_fpn.body.', '.image_block.', '.video_block.', '.backbone.body.')
# Values of `backbone_scope`, with the names of the parts that they include.
_SCOPES = {'body': _BACKBONE, 'encoder': ('.encoder.', '.own_video_encoder.', '.backbone.')}


@dataclass(frozen=True)
class Optimization:
    """AdamW with a warm-up and a cosine decay to zero (paper, section 5.2).

    Attributes:
        learning_rate: highest learning rate; above 0.
        weight_decay: decay of weights, except for biases, norms and absolute positions; at least
            0.
        backbone_factor: factor of the backbone's learning rate; at least 0, and 0 freezes the
            backbone.
        backbone_scope: part of an encoder that counts as its backbone: 'body', without the feature
            pyramid; or 'encoder', with it, as in the paper (Table 6b: "R50-FPN") and the released
            code.
        frozen: prefixes of the names of parameters that are frozen.
        warmup_steps: steps in which the rate rises from zero; at least 0.

    Raises:
        ValueError: a value is out of its range.
    """

    learning_rate: float = 3e-4
    weight_decay: float = 0.05
    backbone_factor: float = 0.1
    warmup_steps: int = 0
    backbone_scope: str = 'body'
    frozen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ('weight_decay', 'backbone_factor', 'warmup_steps'):
            if not getattr(self, name) >= 0:
                raise ValueError(f'{name} is {getattr(self, name)}; expected at least 0')
        if not self.learning_rate > 0:
            raise ValueError(f'learning_rate is {self.learning_rate}; expected above 0')
        if self.backbone_scope not in _SCOPES:
            raise ValueError(
                f'backbone_scope is {self.backbone_scope!r}; expected one of {", ".join(_SCOPES)}'
            )

    def freeze(self, model: nn.Module) -> None:
        """Freeze parameters, in place, and make the others trainable.

        Raises:
            ValueError: a prefix in `frozen` matches no parameter, or no parameter is left to
                train.
        """
        frozen = list(self.frozen)
        names = [name for name, _ in model.named_parameters()]
        for beginning in frozen:
            if not any(name.startswith(beginning) for name in names):
                raise ValueError(
                    f'frozen has {beginning!r}, but no parameter begins with it; expected the '
                    f'beginning of a name such as {names[0]!r}'
                )
        for name, parameter in model.named_parameters():
            keeps = any(name.startswith(beginning) for beginning in frozen)
            keeps |= self.backbone_factor == 0 and _has_part(name, _SCOPES[self.backbone_scope])
            parameter.requires_grad_(not keeps)
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise ValueError(
                f'frozen is {frozen}; expected at least one parameter that is not frozen'
            )

    def optimizer(self, model: nn.Module) -> torch.optim.AdamW:
        """Build the optimizer of a model's trainable parameters."""
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                decays = parameter.ndim > 1 and not name.endswith('pos_embed')
                is_backbone = _has_part(name, _SCOPES[self.backbone_scope])
                factor = self.backbone_factor if is_backbone else 1.0
                key = factor, self.weight_decay if decays else 0.0
                groups.setdefault(key, []).append(parameter)
        described: list[dict[str, Any]] = [
            {'params': parameters, 'lr': self.learning_rate * factor, 'weight_decay': decay}
            for (factor, decay), parameters in groups.items()
        ]
        return torch.optim.AdamW(described, lr=self.learning_rate)

    def share(self, step: int, steps: int) -> float:
        """Return the learning rate of a step as a share of the highest.

        Args:
            step: step, counted from 0.
            steps: steps of the whole training.
        """
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        rest = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, rest)))


def _has_part(name: str, parts: tuple[str, ...]) -> bool:
    return any(part in f'.{name}' for part in parts)
