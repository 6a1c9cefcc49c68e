# SPDX-License-Identifier: Apache-2.0
"""Atomic files, locks, and cache folders."""
