# SPDX-License-Identifier: Apache-2.0
"""Trials of the simulated robot: demonstrations repeated through ROS, judged by the simulator."""
