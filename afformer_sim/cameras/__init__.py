# SPDX-License-Identifier: Apache-2.0
"""Cameras: positions, lenses and sensors."""
