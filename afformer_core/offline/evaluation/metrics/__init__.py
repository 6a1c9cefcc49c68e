# SPDX-License-Identifier: Apache-2.0
"""Metrics of heatmaps and peaks against targets."""
