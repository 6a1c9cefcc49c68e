# SPDX-License-Identifier: Apache-2.0
"""Decoders, the memories that they attend to, and the heads."""
