# SPDX-License-Identifier: Apache-2.0
"""Evaluation protocols of the published benchmarks."""
