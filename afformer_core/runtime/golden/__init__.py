# SPDX-License-Identifier: Apache-2.0
"""Golden outputs of models, and the images from which they are computed."""
