# SPDX-License-Identifier: Apache-2.0
"""Mining of clips in which hands touch objects (paper, section 4.2)."""
