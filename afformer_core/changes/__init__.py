# SPDX-License-Identifier: Apache-2.0
"""Changes between two images, and what they say about an action."""
