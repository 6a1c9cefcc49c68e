# SPDX-License-Identifier: Apache-2.0
"""The matching network: the contact of a demonstration, and similar positions in an image."""
