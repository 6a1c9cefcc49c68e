# SPDX-License-Identifier: Apache-2.0
"""Tools that maintain the project; not installed."""
