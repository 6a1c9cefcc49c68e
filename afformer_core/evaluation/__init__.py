# SPDX-License-Identifier: Apache-2.0
"""Accuracy on annotated datasets beside predictors that look at nothing, and latency."""
