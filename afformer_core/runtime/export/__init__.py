# SPDX-License-Identifier: Apache-2.0
"""Export of models to ONNX."""
