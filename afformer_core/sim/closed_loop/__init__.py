# SPDX-License-Identifier: Apache-2.0
"""The closed loop: a scripted finger acts where a grounded demonstration says, in simulation."""
