# SPDX-License-Identifier: Apache-2.0
"""Pairs with outlined parts: predictors, their measures, tables and images."""
