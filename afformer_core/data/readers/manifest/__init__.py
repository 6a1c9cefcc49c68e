# SPDX-License-Identifier: Apache-2.0
"""The native manifest: a dataset in one file, to which every dataset can be converted."""
