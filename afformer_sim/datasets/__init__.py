# SPDX-License-Identifier: Apache-2.0
"""Writers of simulated datasets."""
