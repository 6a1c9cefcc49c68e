# SPDX-License-Identifier: Apache-2.0
"""Executables for `ros2 run`."""
