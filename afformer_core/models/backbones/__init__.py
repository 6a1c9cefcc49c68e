# SPDX-License-Identifier: Apache-2.0
"""Backbones and the feature pyramids over them."""
