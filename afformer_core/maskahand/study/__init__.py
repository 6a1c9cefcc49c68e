# SPDX-License-Identifier: Apache-2.0
"""A study of the benefit of pretraining, from videos to a table."""
