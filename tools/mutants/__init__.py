# SPDX-License-Identifier: Apache-2.0
"""Mutation tests: the share of small mistakes in the product that its tests detect."""
