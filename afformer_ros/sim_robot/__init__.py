# SPDX-License-Identifier: Apache-2.0
"""The node `sim_robot`: a simulated arm with a camera, as its drivers would show it to ROS."""
