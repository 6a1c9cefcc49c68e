# SPDX-License-Identifier: Apache-2.0
"""Real pairs of a demonstration and an image, which are downloaded from their authors."""
