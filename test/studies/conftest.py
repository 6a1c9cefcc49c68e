# SPDX-License-Identifier: Apache-2.0
"""Settings of two tables that share a model, and results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from studies.results import StudyResult
from studies.settings import StudySettings


@pytest.fixture
def settings() -> dict[str, Any]:
    """What a `studies.yaml` holds."""
    return {
        'seeds': [0, 1],
        'trainings': {'supervised': ['pairs.yaml'], 'pretraining': ['clips.yaml']},
        'models': {
            'pretrained': {'training': 'pretraining'},
            'tuned': {
                'training': 'supervised',
                'overlays': ['fine.yaml', 'finer.yaml'],
                'features': 'learning',
                'initial': 'pretrained',
            },
        },
        'tables': {
            'table_1': {
                'rows': [
                    {'label': 'zero-shot', 'model': 'pretrained', 'paper_kld': 2.36},
                    {'label': 'fine-tuned', 'model': 'tuned', 'paper_kld': 1.48},
                ]
            },
            'table_8': {'rows': [{'label': 'noise', 'model': 'tuned'}]},
        },
    }


@pytest.fixture
def study(settings: dict[str, Any]) -> StudySettings:
    """What `settings` say."""
    return StudySettings.of(settings)


@pytest.fixture
def result() -> Callable[..., StudyResult]:
    """A result of a row's training with a seed, None for a baseline row."""

    def made(row: str, paper_kld: float | None, seed: int | None, kld: float) -> StudyResult:
        return StudyResult(
            table='table_4b',
            row=row,
            paper_kld=paper_kld,
            seed=seed,
            kld=kld,
            sim=0.5,
            auc_j=None,
            peak_inside=None if seed is None else 0.25 + seed / 100,
            nearest=None,
            test_pairs=150,
            pairs_trained=None if seed is None else 10800,
            commit='0123456789ab',
            machine='AMD EPYC, 2 cores',
            date='2026-11-28',
        )

    return made
