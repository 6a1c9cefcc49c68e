# SPDX-License-Identifier: Apache-2.0
"""Pretraining from hands that touch something (paper, section 4)."""
