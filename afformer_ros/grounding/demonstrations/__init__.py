# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of the grounding node: recording, loading, marks, and status."""
