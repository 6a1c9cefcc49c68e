# SPDX-License-Identifier: Apache-2.0
"""Options of `afformer evaluate`, and the evaluation of models on pairs."""
