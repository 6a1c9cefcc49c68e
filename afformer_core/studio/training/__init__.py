# SPDX-License-Identifier: Apache-2.0
"""Trainings that are started, watched, stopped and resumed in a page."""
