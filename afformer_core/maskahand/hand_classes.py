# SPDX-License-Identifier: Apache-2.0
"""The classes that a hand detector tells apart (paper, section 4.2)."""

CLASSES = ('background', 'no contact', 'contact')
NO_CONTACT, CONTACT = 1, 2
