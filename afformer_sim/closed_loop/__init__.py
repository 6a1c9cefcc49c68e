# SPDX-License-Identifier: Apache-2.0
"""The closed loop in simulation: a scripted finger acts at the point of a grounding."""
