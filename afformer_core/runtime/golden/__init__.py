# SPDX-License-Identifier: Apache-2.0
"""Golden outputs of models, and the images that they are made of."""
