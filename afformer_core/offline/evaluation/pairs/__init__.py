# SPDX-License-Identifier: Apache-2.0
"""Models on pairs of a demonstration and an image."""
