# SPDX-License-Identifier: Apache-2.0
"""What keeps the project in order; no part of what is installed."""
