# SPDX-License-Identifier: Apache-2.0
"""Colours and patterns of surfaces."""
