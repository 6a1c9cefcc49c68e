# SPDX-License-Identifier: Apache-2.0
"""Photographs as scenes: a rendered hand over them, and the same photographs from elsewhere."""
