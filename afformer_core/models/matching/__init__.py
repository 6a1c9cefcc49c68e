# SPDX-License-Identifier: Apache-2.0
"""The matching network: where a demonstration touches, and where an image looks like it."""
