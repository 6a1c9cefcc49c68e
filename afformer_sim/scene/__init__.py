# SPDX-License-Identifier: Apache-2.0
"""Scenes: fixtures in rooms, demonstrations of them, and rendered views."""
