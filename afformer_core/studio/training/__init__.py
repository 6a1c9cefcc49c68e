# SPDX-License-Identifier: Apache-2.0
"""Trainings that a page can start, watch, stop and resume."""
