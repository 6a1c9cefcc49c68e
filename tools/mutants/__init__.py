# SPDX-License-Identifier: Apache-2.0
"""Mutation tests: how many small mistakes in the product its tests notice."""
