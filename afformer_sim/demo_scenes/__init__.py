# SPDX-License-Identifier: Apache-2.0
"""Rendered scenes that need no user files: the demo's scenes, and examples of the studio."""
