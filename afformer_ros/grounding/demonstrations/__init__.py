# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of the grounding node: recorded, loaded, marked, and told of."""
