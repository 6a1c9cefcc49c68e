# SPDX-License-Identifier: Apache-2.0
"""Training of models on annotated pairs, with Lightning."""
