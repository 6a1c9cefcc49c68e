# SPDX-License-Identifier: Apache-2.0
"""VISOR: masks of hands, and of the objects that they are in contact with, in EPIC-KITCHENS."""
