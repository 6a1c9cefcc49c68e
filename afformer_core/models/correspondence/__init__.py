# SPDX-License-Identifier: Apache-2.0
"""Correspondence between a demonstration's contact and an image, by features of a backbone."""
