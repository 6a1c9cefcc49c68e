# SPDX-License-Identifier: Apache-2.0
"""Grounding of a stream of camera images: smoothing, holding, abstention, and points in space."""
