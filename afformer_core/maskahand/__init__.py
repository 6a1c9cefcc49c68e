# SPDX-License-Identifier: Apache-2.0
"""Pre-training from hands that touch something (paper, section 4)."""
