# SPDX-License-Identifier: Apache-2.0
"""A hand and an arm made of skinned meshes, posed like the hand of capsules."""
