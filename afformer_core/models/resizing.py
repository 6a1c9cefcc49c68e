# SPDX-License-Identifier: Apache-2.0
"""Takes a model to another input size, as training in two sizes needs it."""

from __future__ import annotations

from dataclasses import replace

from torch.nn import functional

from afformer_core.models.afformer import Afformer


def with_input_size(model: Afformer, size: tuple[int, int]) -> Afformer:
    """The same model for images of another (height, width).

    Everything is copied; the relative positions are resampled linearly to the new grid.
    """
    resized = Afformer(replace(model.configuration, input_size=size))
    wanted = resized.state_dict()
    tensors = dict(model.state_dict())
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            length = wanted[name].shape[0]
            tensors[name] = functional.interpolate(
                tensor.T[None], size=length, mode='linear', align_corners=False
            )[0].T
    resized.load_state_dict(tensors)
    return resized
