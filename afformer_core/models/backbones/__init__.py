# SPDX-License-Identifier: Apache-2.0
"""Backbones and their feature pyramids."""
