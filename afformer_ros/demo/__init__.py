# SPDX-License-Identifier: Apache-2.0
"""A demonstration of the whole: a real ROS graph grounds demonstrations and leaves pictures."""
