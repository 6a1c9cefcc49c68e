# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, or that need a separate module."""
