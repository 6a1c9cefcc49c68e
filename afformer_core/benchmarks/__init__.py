# SPDX-License-Identifier: Apache-2.0
"""Time and memory of grounding and of training."""
