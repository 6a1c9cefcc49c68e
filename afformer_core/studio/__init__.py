# SPDX-License-Identifier: Apache-2.0
"""A page in the browser to try demonstrations on images and to mark own pairs."""
