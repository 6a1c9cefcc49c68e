# SPDX-License-Identifier: Apache-2.0
"""A tab of the studio that shows and controls a running grounding node."""
