# SPDX-License-Identifier: Apache-2.0
"""Palms, regions around hands and their landmarks in one image, with shipped networks."""
