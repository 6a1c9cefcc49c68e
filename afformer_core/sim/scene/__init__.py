# SPDX-License-Identifier: Apache-2.0
"""Scenes: things in a room, demonstrations of them, and rendered views."""
