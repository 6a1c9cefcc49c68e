# SPDX-License-Identifier: Apache-2.0
"""The Afformer network.

This package imports only its configuration, which does not need torch.
"""

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.presets import (
    afformer_matching,
    afformer_r50,
    afformer_small,
    afformer_vitdet_b,
    released_vitdet_b,
)

__all__ = [
    'AfformerConfiguration',
    'afformer_matching',
    'afformer_r50',
    'afformer_small',
    'afformer_vitdet_b',
    'released_vitdet_b',
]
