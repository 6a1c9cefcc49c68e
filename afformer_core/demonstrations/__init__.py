# SPDX-License-Identifier: Apache-2.0
"""Demonstrations: recorded, trimmed, kept on disk, selected."""
