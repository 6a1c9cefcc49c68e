# SPDX-License-Identifier: Apache-2.0
"""`afformer train`: train a small model over a frozen ImageNet backbone."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

_EXAMPLE = """example:
  afformer train simulated/train.json afformer_small --steps 6000 --input-size 128
  afformer train simulated/train.json afformer_small_192 --initial afformer_small \\
      --input-size 192 --steps 1500 --learning-rate 3e-4
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'train',
        help='train a small model on an annotated dataset',
        description=__doc__,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('dataset', type=Path, help='annotation file')
    parser.add_argument('output', type=Path, help='model folder to write; training resumes there')
    parser.add_argument(
        '--skip-broken',
        action='store_true',
        help='leave out samples whose clip or image is missing or broken',
    )
    parser.add_argument('--initial', type=Path, help='model folder to start from')
    parser.add_argument('--cache', type=Path, help='feature cache (default: beside the dataset)')
    parser.add_argument('--steps', type=int, default=6000, help='optimisation steps')
    parser.add_argument('--input-size', type=int, default=128, help='side of the input in pixels')
    parser.add_argument('--frames', type=int, default=8, help='frames taken of each video')
    parser.add_argument('--demonstrations', type=int, default=12, help='per step')
    parser.add_argument('--learning-rate', type=float, default=1e-3, help='the highest')
    parser.add_argument(
        '--action-weight',
        type=float,
        default=0.5,
        help='of the loss of actions',
    )
    parser.add_argument('--threads', type=int, default=1, help='threads of PyTorch')
    parser.add_argument('--seed', type=int, default=0, help='of weights and order')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and write the model folder."""
    import torch

    from afformer_core.data.annotations import open_annotations
    from afformer_core.data.verification import usable_samples
    from afformer_core.training.batches import BatchSource
    from afformer_core.training.feature_cache import open_feature_cache
    from afformer_core.training.trainer import Trainer, TrainingOptions

    arguments.output.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=arguments.output / 'train.log',
        level=logging.INFO,
        format='%(asctime)s %(message)s',
    )
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    dataset = open_annotations(arguments.dataset, split='train')
    size = (arguments.input_size, arguments.input_size)
    model = _initial_model(arguments, dataset.action_names, size)
    samples = usable_samples(dataset, arguments.skip_broken)
    cache_folder = arguments.cache or dataset.root / f'features_{size[0]}_{arguments.frames}'
    cache = open_feature_cache(cache_folder, samples, model.encoder, size, arguments.frames)
    options = TrainingOptions(
        steps=arguments.steps,
        demonstrations=arguments.demonstrations,
        learning_rate=arguments.learning_rate,
        action_weight=arguments.action_weight,
        warmup_steps=min(200, max(1, arguments.steps // 10)),
        average_decay=min(0.998, max(0.0, 1 - 10 / arguments.steps)),
        seed=arguments.seed,
    )
    source = BatchSource(
        samples, cache, size, options.demonstrations, options.targets, options.seed
    )
    description = {'dataset': str(arguments.dataset.name), 'pairs': len(samples)}
    Trainer(model, source, options, arguments.output, description).run()
    return 0


def _initial_model(
    arguments: argparse.Namespace, action_names: tuple[str, ...], size: tuple[int, int]
) -> Any:
    from dataclasses import replace

    from afformer_core.models.afformer import Afformer
    from afformer_core.models.imagenet import load_imagenet_weights
    from afformer_core.models.presets import afformer_small
    from afformer_core.models.resizing import with_input_size
    from afformer_core.runtime.weights import load_model

    if arguments.initial is not None:
        return with_input_size(load_model(arguments.initial), size).requires_grad_(True)
    configuration = replace(
        afformer_small(action_names, size), maximum_frames=max(8, arguments.frames)
    )
    model = Afformer(configuration)
    load_imagenet_weights(model.encoder.backbone_with_fpn.body)
    return model
