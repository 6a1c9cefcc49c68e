# SPDX-License-Identifier: Apache-2.0
"""Options of `afformer evaluate`, and the pairs that it measures models on."""
