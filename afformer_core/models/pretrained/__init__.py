# SPDX-License-Identifier: Apache-2.0
"""Importers of the authors' checkpoints and of pretrained backbone weights."""
