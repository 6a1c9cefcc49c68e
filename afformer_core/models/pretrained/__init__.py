# SPDX-License-Identifier: Apache-2.0
"""Pre-trained weights of backbones."""
