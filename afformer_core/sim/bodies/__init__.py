# SPDX-License-Identifier: Apache-2.0
"""Hands, and the elements of appliances, as solids."""
