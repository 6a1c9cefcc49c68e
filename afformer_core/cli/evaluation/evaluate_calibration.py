# SPDX-License-Identifier: Apache-2.0
"""Calibration of a model by `afformer evaluate --calibrate`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from afformer_core.cli.options.engine_options import engine_of

if TYPE_CHECKING:
    from afformer_core.evaluation.pairs.pair_result import PairResult
    from afformer_core.evaluation.pairs.pairs import Pair
    from afformer_core.evaluation.pairs.parallel_evaluation import RunSettings
    from afformer_core.runtime import ArrayGrounder
    from afformer_core.runtime.coarse_to_fine import ZoomStage
    from afformer_core.runtime.presence import PresenceCalibration


def take_matching(
    arguments: argparse.Namespace, folder: Path, settings: RunSettings, pairs: Sequence[Pair]
) -> None:
    """Write the matching network in the subfolder to `model.json`, unless it is already there."""
    from afformer_core.evaluation.pairs.parallel_evaluation import evaluate_pairs
    from afformer_core.evaluation.pairs.presence_fit import even_confidence
    from afformer_core.runtime.matching.weighing import MatchingSettings
    from afformer_core.runtime.model_folder import (
        DESCRIPTION_FILE,
        MATCHING_FOLDER,
        read_description,
        read_matching,
        read_matching_description,
        write_description,
    )

    beside = folder / MATCHING_FOLDER
    if not (beside / DESCRIPTION_FILE).is_file():
        return
    weights, before = read_matching_description(beside).weights_sha256, read_description(folder)
    if before.matching is not None and before.matching.weights_sha256 == weights:
        return
    alone = replace(settings, open_grounder=partial(_open_decoder, arguments, folder))
    engine = engine_of(arguments, arguments.processes)
    confidence = even_confidence(evaluate_pairs(alone, pairs, engine))
    matched = replace(before, matching=MatchingSettings(confidence, weights))
    read_matching(folder, matched)
    write_description(folder, matched)


def calibrate(
    arguments: argparse.Namespace,
    folder: Path,
    zoom_stages: tuple[ZoomStage, ...],
    results: Sequence[PairResult],
) -> PresenceCalibration:
    """Fit presence on results, and write it to `model.json` with the zoom stages.

    Raises:
        DatasetError: there are too few pairs.
    """
    from afformer_core.evaluation.pairs.presence_fit import fit_presence
    from afformer_core.runtime.model_folder import read_description, write_description

    before = read_description(folder)
    annotations = ' and '.join(map(str, [arguments.annotations, *arguments.calibrate]))
    calibration = fit_presence(results, annotations, before.all_weights_sha256)
    write_description(folder, replace(before, calibration=calibration, zoom_stages=zoom_stages))
    return calibration


def _open_decoder(arguments: argparse.Namespace, folder: Path) -> ArrayGrounder:
    """Open a model without zoom stages and without a matching network."""
    from afformer_core.runtime import ArrayGrounder
    from afformer_core.runtime.backends import open_decoder

    networks = open_decoder(folder, arguments.backend, arguments.threads, arguments.precision)
    return ArrayGrounder(networks.configuration, networks)
