# SPDX-License-Identifier: Apache-2.0
"""The tab to try demonstrations on images."""
