# SPDX-License-Identifier: Apache-2.0
"""Fixtures of robot-learning benchmarks, from the MuJoCo models in their packages."""
