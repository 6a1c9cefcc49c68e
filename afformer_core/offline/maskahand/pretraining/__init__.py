# SPDX-License-Identifier: Apache-2.0
"""Pretraining on masked hands (paper, sections 4.2 and 4.3)."""
