# SPDX-License-Identifier: Apache-2.0
"""Workflow that creates the weights of a decoder and a matching network, and their card."""
