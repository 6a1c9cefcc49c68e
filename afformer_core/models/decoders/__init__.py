# SPDX-License-Identifier: Apache-2.0
"""Decoders, the memories to which they attend, and heads."""
