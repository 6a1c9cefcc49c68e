# SPDX-License-Identifier: Apache-2.0
"""The demo: a real ROS graph that grounds demonstrations and writes images."""
