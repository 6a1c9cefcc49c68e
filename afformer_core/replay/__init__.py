# SPDX-License-Identifier: Apache-2.0
"""Replay of rosbags through the grounding stream without ROS, to videos and tables."""
