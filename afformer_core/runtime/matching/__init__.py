# SPDX-License-Identifier: Apache-2.0
"""The combination of a decoder and a matching network: features, heatmaps and sessions."""
