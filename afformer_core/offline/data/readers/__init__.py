# SPDX-License-Identifier: Apache-2.0
"""Readers of datasets, one for each dataset."""
