# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of time and memory, of grounding and of training."""
