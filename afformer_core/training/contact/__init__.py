# SPDX-License-Identifier: Apache-2.0
"""The training of the contact that a model finds in demonstrations."""
