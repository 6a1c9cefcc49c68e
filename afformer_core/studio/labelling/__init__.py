# SPDX-License-Identifier: Apache-2.0
"""Marking of the points of own pairs by clicks and keys."""
