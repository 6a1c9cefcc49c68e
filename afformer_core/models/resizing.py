# SPDX-License-Identifier: Apache-2.0
"""Takes a model to another input size, as training in two sizes needs it."""

from __future__ import annotations

from dataclasses import replace

from afformer_core.models.afformer import Afformer
from afformer_core.models.relative_position import resampled_positions


def with_input_size(model: Afformer, size: tuple[int, int]) -> Afformer:
    """The same model for images of another (height, width).

    Everything is copied; the relative positions are resampled linearly to the new grid.
    """
    resized = Afformer(replace(model.configuration, input_size=size))
    wanted = resized.state_dict()
    resized.load_state_dict(
        {
            name: resampled_positions(tensor, len(wanted[name])) if 'rel_pos_' in name else tensor
            for name, tensor in model.state_dict().items()
        }
    )
    return resized
