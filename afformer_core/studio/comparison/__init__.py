# SPDX-License-Identifier: Apache-2.0
"""Comparison of two models on the same pairs."""
