# SPDX-License-Identifier: Apache-2.0
"""Engines compiled by NVIDIA TensorRT, on a Jetson or a desktop GPU.

`library` finds what is installed, `builder` compiles one graph, `engine_cache` keeps engines that
cannot be mistaken for others, `engines` brings both together for a model, and `session` runs them.
"""
