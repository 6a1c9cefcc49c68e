# SPDX-License-Identifier: Apache-2.0
"""Two models on the same pairs."""
