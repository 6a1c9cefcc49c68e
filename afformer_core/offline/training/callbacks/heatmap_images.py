# SPDX-License-Identifier: Apache-2.0
"""Images of demonstrations and heatmaps in TensorBoard, beside the curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from numpy.typing import NDArray

from afformer_core.drawing.overlay import draw_overlay, draw_text
from afformer_core.media.images import read_image
from afformer_core.offline.data.clip_reader import ClipReader
from afformer_core.offline.data.frame_sampling import UniformSampling
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.protocols import RowsProtocol

_SIDE = 256
_FRAMES = 4
_OPACITY = 0.6


class HeatmapImages(Callback):
    """A callback that shows predictions and demonstrations of some validation samples.

    Args:
        count: number of samples, from the first of the first process; at least 1.
    """

    def __init__(self, count: int = 8) -> None:
        if count < 1:
            raise ValueError(f'count is {count}; expected at least 1')
        self._count = count
        self._frames: dict[int, NDArray[np.uint8]] = {}

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw the predictions of a batch."""
        loggers = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
        if trainer.sanity_checking or batch_idx >= self._count or not loggers:
            return
        predictions: Mapping[int, NDArray[np.float32]] = outputs['heatmaps']
        samples = trainer.datamodule.validation_samples  # type: ignore[attr-defined]
        for index, heatmap in predictions.items():
            if index not in self._frames:
                self._frames[index] = demonstration_strip(samples[index])
            drawn = np.concatenate((self._frames[index], beside_target(samples[index], heatmap)))
            name = f'validation/{batch_idx}'
            for logger in loggers:
                logger.experiment.add_image(name, drawn, trainer.global_step, dataformats='HWC')


def demonstration_strip(sample: Sample) -> NDArray[np.uint8]:
    """Draw four frames of a sample's demonstration, from its first to its last.

    Returns:
        uint8 RGB [128, 512, 3].

    Raises:
        VideoError: the clip is missing or damaged.
    """
    side = 2 * _SIDE // _FRAMES
    (frames,) = ClipReader(UniformSampling(_FRAMES), (side, side)).read(sample)
    strip = np.zeros((side, 2 * _SIDE, 3), np.uint8)
    strip[:, : len(frames) * side] = np.concatenate(list(frames), axis=1)
    draw_text(strip, 'demonstration', (6, 16), 0.4)
    return strip


def beside_target(sample: Sample, heatmap: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw a prediction and the target over a sample's image.

    Args:
        sample: the sample; its first action is shown.
        heatmap: probabilities [H, W] of that action, of any size.

    Returns:
        uint8 RGB [256, 512, 3].
    """
    protocol = RowsProtocol((_SIDE, _SIDE))
    image = read_image(sample.image_path)
    resized = np.asarray(cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    target = protocol.targets(protocol.rows([sample])[:1])[0]
    images = (protocol.prediction(heatmap), target)
    captions = ('prediction', 'ground truth')
    return np.concatenate(
        [
            draw_overlay(resized, drawn, (), caption, _OPACITY)
            for drawn, caption in zip(images, captions, strict=True)
        ],
        axis=1,
    )
