# SPDX-License-Identifier: Apache-2.0
"""A web page to try demonstrations on images, and to mark own pairs."""
