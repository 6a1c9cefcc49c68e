# SPDX-License-Identifier: Apache-2.0
"""Afformer: grounding the affordance shown in a video in another image, without ROS."""
