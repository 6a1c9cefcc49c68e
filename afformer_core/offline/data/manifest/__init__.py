# SPDX-License-Identifier: Apache-2.0
"""Manifests: JSON lines or Parquet, one row for each clip, target image and action."""
