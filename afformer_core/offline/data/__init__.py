# SPDX-License-Identifier: Apache-2.0
"""Datasets, their clips and images, and target heatmaps."""
