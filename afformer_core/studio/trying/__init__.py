# SPDX-License-Identifier: Apache-2.0
"""Tab to try demonstrations on images."""
