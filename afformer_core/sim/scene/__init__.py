# SPDX-License-Identifier: Apache-2.0
"""Scenes: appliances in rooms, demonstrations of them, and rendered views."""
