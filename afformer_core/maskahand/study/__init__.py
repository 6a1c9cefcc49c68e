# SPDX-License-Identifier: Apache-2.0
"""A study of what pre-training is worth, from videos to a table."""
