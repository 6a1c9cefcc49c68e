# SPDX-License-Identifier: Apache-2.0
"""Fixtures of robot-learning benchmarks, in MuJoCo models that their packages carry."""
