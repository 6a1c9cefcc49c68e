# SPDX-License-Identifier: Apache-2.0
"""Evaluation of models on annotated datasets, beside baselines that look at nothing."""
