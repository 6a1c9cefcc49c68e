# SPDX-License-Identifier: Apache-2.0
"""Memories of demonstrations: compact ones at rest, and copies of those in use."""
