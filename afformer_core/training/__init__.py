# SPDX-License-Identifier: Apache-2.0
"""Training over a frozen backbone."""
