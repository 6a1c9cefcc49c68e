# SPDX-License-Identifier: Apache-2.0
"""Engines compiled by NVIDIA TensorRT, on a Jetson or a desktop GPU.

`builder` finds the installed TensorRT and compiles one graph, `engine_cache` stores engines,
`compiled_model` combines both for a model, and `session` runs them.
"""
