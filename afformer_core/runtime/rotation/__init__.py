# SPDX-License-Identifier: Apache-2.0
"""The direction of rotation that demonstrations show."""
