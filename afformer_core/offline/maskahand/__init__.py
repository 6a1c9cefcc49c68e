# SPDX-License-Identifier: Apache-2.0
"""Pre-training from hands that touch objects (paper, section 4)."""
