# SPDX-License-Identifier: Apache-2.0
"""Detectors of hands and of what they touch, and their annotations."""
