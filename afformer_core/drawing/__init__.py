# SPDX-License-Identifier: Apache-2.0
"""Drawings of groundings."""
