# SPDX-License-Identifier: Apache-2.0
"""What is run once for a table of the paper, on simulated data."""
