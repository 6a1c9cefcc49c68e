# SPDX-License-Identifier: Apache-2.0
"""Simulated fixtures that a hand operates, rendered with MuJoCo (extra `sim`)."""

import os

# MuJoCo chooses how to open an OpenGL context when it is imported; EGL needs no display.
os.environ.setdefault('MUJOCO_GL', 'egl')
