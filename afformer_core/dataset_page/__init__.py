# SPDX-License-Identifier: Apache-2.0
"""A dataset as an HTML page: its contents, its issues, and some samples."""
