# SPDX-License-Identifier: Apache-2.0
"""Workflow that makes the weights of the correspondence model, from rendering to the card."""
