# SPDX-License-Identifier: Apache-2.0
"""Sessions that run the network with PyTorch or ONNX Runtime, on CPU or GPU."""
