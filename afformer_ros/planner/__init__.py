# SPDX-License-Identifier: Apache-2.0
"""A planner that repeats demonstrations with an arm."""
