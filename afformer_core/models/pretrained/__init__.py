# SPDX-License-Identifier: Apache-2.0
"""Importers of pretrained backbone weights, and strict loading."""
