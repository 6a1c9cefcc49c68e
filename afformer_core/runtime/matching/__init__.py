# SPDX-License-Identifier: Apache-2.0
"""A matching network beside a decoder: features, heatmaps and sessions of both."""
