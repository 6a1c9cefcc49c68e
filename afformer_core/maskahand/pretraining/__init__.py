# SPDX-License-Identifier: Apache-2.0
"""Pre-training on masked hands (paper, sections 4.2 and 4.3)."""
