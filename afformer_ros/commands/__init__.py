# SPDX-License-Identifier: Apache-2.0
"""Commands that start and call the grounding node where `ros2` is not installed."""
