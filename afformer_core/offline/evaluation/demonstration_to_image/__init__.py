# SPDX-License-Identifier: Apache-2.0
"""The benchmark "demonstration to image": pairs by reference, and measured systems."""
