# SPDX-License-Identifier: Apache-2.0
"""Checkpoints as Lightning writes them of what the released code trains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader


class ReleasedTraining(LightningModule):
    """AdamW with a cosine over everything below `network`; of one parameter it has moments."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: Tensor) -> Tensor:
        return 0 * self.network.predictor.upsampler.get_submodule('3').bias.sum()

    def configure_optimizers(self) -> Any:
        groups = [{'params': [each]} for each in self.network.parameters()]
        # Without decay, and with gradients of zero, weights stay what they are.
        optimizer = torch.optim.AdamW(groups, lr=3e-4, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4000)
        return [optimizer], [{'scheduler': schedule, 'interval': 'step'}]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """As 16-bit mixed precision on a GPU does."""
        checkpoint['MixedPrecision'] = {
            'scale': 65536.0,
            'growth_factor': 2.0,
            'backoff_factor': 0.5,
            'growth_interval': 2000,
            '_growth_tracker': 1000,
        }


def save_as_released(folder: Path, network: nn.Module) -> Path:
    """Train for a step that changes nothing; the file that Lightning's callback wrote."""
    trainer = Trainer(
        accelerator='cpu',
        devices=1,
        max_steps=1,
        logger=False,
        callbacks=[ModelCheckpoint(folder, save_top_k=-1)],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(ReleasedTraining(network), DataLoader([torch.zeros(1)]))
    (path,) = folder.glob('*.ckpt')
    return path


def module_of(tensors: Mapping[str, Tensor]) -> nn.Module:
    """A tree of modules whose `state_dict` is these tensors."""
    root = nn.Module()
    for name, tensor in tensors.items():
        *parents, last = name.split('.')
        module = root
        for parent in parents:
            if parent not in dict(module.named_children()):
                module.add_module(parent, nn.Module())
            module = module.get_submodule(parent)
        module.register_parameter(last, nn.Parameter(tensor))
    return root
