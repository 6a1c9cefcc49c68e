# SPDX-License-Identifier: Apache-2.0
"""Readers of datasets, one a dataset."""
