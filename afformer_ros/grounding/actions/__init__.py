# SPDX-License-Identifier: Apache-2.0
"""The actions of the grounding node: to ground, record and load a demonstration."""
