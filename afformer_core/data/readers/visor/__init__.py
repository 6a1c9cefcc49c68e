# SPDX-License-Identifier: Apache-2.0
"""VISOR: masks of hands, and of objects in contact with them, in EPIC-KITCHENS."""
