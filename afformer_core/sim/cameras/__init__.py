# SPDX-License-Identifier: Apache-2.0
"""Cameras: places, lenses and sensors."""
