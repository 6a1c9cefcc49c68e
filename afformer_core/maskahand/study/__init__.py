# SPDX-License-Identifier: Apache-2.0
"""A study of the benefit of pre-training, from videos to a table."""
