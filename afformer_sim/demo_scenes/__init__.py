# SPDX-License-Identifier: Apache-2.0
"""Rendered scenes that need no files of the user's: of the demo, and examples of the studio."""
