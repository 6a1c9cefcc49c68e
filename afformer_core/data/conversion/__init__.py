# SPDX-License-Identifier: Apache-2.0
"""Conversion of any dataset to a format that can be written."""
