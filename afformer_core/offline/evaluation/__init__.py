# SPDX-License-Identifier: Apache-2.0
"""Evaluation of models on annotated datasets, compared with baselines that do not learn."""
