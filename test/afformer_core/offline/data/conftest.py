# SPDX-License-Identifier: Apache-2.0
"""Simulated annotations, as for the tests of the evaluation."""

from __future__ import annotations

from ..evaluation.conftest import model_folder, scenes

__all__ = ['model_folder', 'scenes']
