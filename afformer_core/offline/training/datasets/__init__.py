# SPDX-License-Identifier: Apache-2.0
"""Batches of training examples, from clips and images or from cached features."""
