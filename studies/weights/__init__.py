# SPDX-License-Identifier: Apache-2.0
"""Workflow that makes the weights of a decoder with a matching network, from rendering to card."""
