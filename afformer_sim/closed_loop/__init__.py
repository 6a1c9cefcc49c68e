# SPDX-License-Identifier: Apache-2.0
"""The closed loop in simulation: a scripted finger acts where a demonstration was grounded."""
