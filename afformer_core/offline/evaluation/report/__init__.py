# SPDX-License-Identifier: Apache-2.0
"""Reports of an evaluation as text, JSON and HTML."""
