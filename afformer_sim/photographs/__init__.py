# SPDX-License-Identifier: Apache-2.0
"""Photographs as scenes: a rendered hand over them, and other views of them."""
