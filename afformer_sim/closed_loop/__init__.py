# SPDX-License-Identifier: Apache-2.0
"""The closed loop in simulation: trials of a robot, moving elements, and their judge."""
