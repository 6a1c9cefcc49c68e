# SPDX-License-Identifier: Apache-2.0
"""Tab of the studio that shows a running grounding node, and asks for what it does."""
