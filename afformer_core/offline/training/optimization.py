# SPDX-License-Identifier: Apache-2.0
"""The optimizer, the learning rate of each parameter, and its schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

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

    def schedule(self, optimizer: torch.optim.Optimizer, steps: int) -> LambdaLR:
        """Build the schedule of the rates over a number of steps."""
        return LambdaLR(optimizer, partial(self.share, steps=steps))

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
