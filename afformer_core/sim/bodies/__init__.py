# SPDX-License-Identifier: Apache-2.0
"""Hands and things to operate, as solids."""
