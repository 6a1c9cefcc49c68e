# SPDX-License-Identifier: Apache-2.0
"""Pairs to try, real and rendered."""
