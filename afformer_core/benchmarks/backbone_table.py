# SPDX-License-Identifier: Apache-2.0
"""Table of backbones: parameters, time, memory and licence of each in the same small model."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from afformer_core.benchmarks.flops import image_flops
from afformer_core.benchmarks.inference_variants import InferenceVariant
from afformer_core.benchmarks.latency import measure_in_process
from afformer_core.benchmarks.latency_tables import random_model
from afformer_core.benchmarks.measured_model import copy_with_graphs
from afformer_core.errors import AfformerError
from afformer_core.models.afformer import Afformer
from afformer_core.models.backbone_levels import is_timm
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.presets import afformer_small
from afformer_core.models.pretrained.coco import COCO_ORIGIN
from afformer_core.models.pretrained.imagenet import IMAGENET_ORIGIN
from afformer_core.parallel.measured_subprocess import MeasurementError
from afformer_core.reports.tables import Cell, Table

REFERENCE = 'efficientnet_lite0'
COLUMNS = {
    'backbone_parameters': 'backbone, M parameters',
    'image_gigaflops': 'GFLOP / image',
    'image_milliseconds': 'ms / image',
    'ratio': 'of EfficientNet-Lite0',
    'frame_milliseconds': 'ms / demonstration frame',
    'peak_megabytes': 'peak MB',
    'licence': 'licence of the weights',
}
_ACTIONS = ('press', 'pull')
_ORIGINS = {REFERENCE: IMAGENET_ORIGIN, 'resnet50': COCO_ORIGIN}
_NOTES = (
    'The small model (96 channels, two levels) over each backbone, with random weights, because '
    'neither time nor memory depends on them.',
    'GFLOP: operations of `ground` for one image, a multiply-add as two.',
    'Medians of one run; peak memory is that of a separate process, including libraries.',
    'The licence is that of the weights according to timm; only a training that requests the '
    'weights downloads them.',
)


def backbone_table(
    backbones: Sequence[str],
    side: int,
    frames: int,
    threads: int,
    variant: InferenceVariant,
    progress: bool = True,
) -> Table:
    """Measure the small model with several backbones, beginning with EfficientNet-Lite0.

    The row of a backbone that cannot be measured gives the reason.

    Args:
        backbones: names for `AfformerConfiguration.backbone`.
        side: height and width of images and frames.
        frames: number of frames of the demonstration, 1 to 8.
        threads: number of threads.
        variant: backend and precision.
        progress: True for a progress bar on stderr.

    Raises:
        ValueError: a backbone is unknown or does not accept this size.
    """
    names = tuple(dict.fromkeys((REFERENCE, *backbones)))
    configurations = {name: small_configuration(name, side) for name in names}
    rows: dict[str, dict[str, Cell]] = {}
    reference: float | None = None
    for name, configuration in tqdm(configurations.items(), 'backbones', disable=not progress):
        row: dict[str, Cell] = dict.fromkeys(COLUMNS)
        row['backbone_parameters'] = round(body_parameters(configuration) / 1e6, 1)
        row['image_gigaflops'] = round(image_flops(configuration, frames) / 1e9, 2)
        row['licence'] = licence(name)
        try:
            row |= _measured(configuration, frames, threads, variant)
        except AfformerError as error:
            row['image_milliseconds'] = f'cannot: {error}'
        else:
            milliseconds = row['image_milliseconds']
            assert isinstance(milliseconds, float)
            reference = milliseconds if name == REFERENCE else reference
            row['ratio'] = None if reference is None else round(milliseconds / reference, 1)
        rows[name] = row
    title = f'Backbones at {side}x{side}, {variant.label}, {threads} threads, T = {frames}'
    return Table.of(title, COLUMNS, rows, _NOTES)


def small_configuration(backbone: str, side: int) -> AfformerConfiguration:
    """Return the configuration of the small model with a backbone.

    Raises:
        ValueError: the backbone is unknown, lacks a level of the small model, or does not accept
            images of this size.
    """
    size = (side, side)
    if not is_timm(backbone):
        return replace(afformer_small(_ACTIONS), backbone=backbone, input_size=size)
    # timm takes seconds to import, and other backbones do not need it.
    from afformer_core.models.backbones.timm_fields import timm_fields

    return replace(afformer_small(_ACTIONS), **timm_fields(backbone, size))


def body_parameters(configuration: AfformerConfiguration) -> int:
    """Count the parameters of the backbone, without pyramid and decoder."""
    with torch.device('meta'):
        model = Afformer(configuration)
    body = model.encoder.backbone_with_fpn.body
    return sum(parameter.numel() for parameter in body.parameters())


def licence(backbone: str) -> str:
    """Return the licence of a backbone's pretrained weights, or 'unknown'."""
    if not is_timm(backbone):
        return _ORIGINS[backbone].licence
    from afformer_core.models.pretrained.timm_weights import timm_origin

    return timm_origin(backbone).licence


def _measured(
    configuration: AfformerConfiguration, frames: int, threads: int, variant: InferenceVariant
) -> dict[str, Cell]:
    with tempfile.TemporaryDirectory() as name:
        folder, copy = Path(name) / 'model', Path(name) / 'copy'
        random_model(configuration, folder)
        impossible = copy_with_graphs(folder, copy, (variant,))
        if variant in impossible:
            raise MeasurementError(variant.text, impossible[variant])
        found = measure_in_process(copy, variant, frames, threads, Path(name) / 'heatmap.npy')
    return {
        'image_milliseconds': found.image_milliseconds,
        'frame_milliseconds': found.frame_milliseconds,
        'peak_megabytes': round(found.peak_megabytes),
    }
