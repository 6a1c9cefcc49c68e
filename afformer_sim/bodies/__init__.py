# SPDX-License-Identifier: Apache-2.0
"""Hands, and the elements of fixtures, as solids."""
