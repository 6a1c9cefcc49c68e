# SPDX-License-Identifier: Apache-2.0
"""Physically based rendering by MuJoCo's Filament."""
