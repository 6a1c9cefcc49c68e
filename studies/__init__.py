# SPDX-License-Identifier: Apache-2.0
"""Studies of the paper's tables, on simulated data."""
