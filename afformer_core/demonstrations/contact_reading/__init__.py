# SPDX-License-Identifier: Apache-2.0
"""Reading of the contact of a demonstration: where and when a hand operates a part."""
