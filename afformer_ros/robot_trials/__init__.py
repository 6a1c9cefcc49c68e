# SPDX-License-Identifier: Apache-2.0
"""Trials of the simulated robot: demonstrations repeated through ROS, judged by the simulator."""

# Before MuJoCo is imported by the planner: it chooses how to open an OpenGL context only once.
import afformer_sim as afformer_sim
