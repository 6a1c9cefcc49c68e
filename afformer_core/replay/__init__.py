# SPDX-License-Identifier: Apache-2.0
"""Bags in, bags and reports out: what the node makes of a recording, without ROS running."""
