# SPDX-License-Identifier: Apache-2.0
"""A planner that does with an arm what a demonstration shows."""
