# SPDX-License-Identifier: Apache-2.0
"""The Afformer network and the matching network.

This package imports only their configurations, which do not need torch.
"""

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.models.presets import (
    afformer_r50,
    afformer_small,
    afformer_vitdet_b,
    released_vitdet_b,
    small_matching,
)

__all__ = [
    'AfformerConfiguration',
    'MatchingConfiguration',
    'afformer_r50',
    'afformer_small',
    'afformer_vitdet_b',
    'released_vitdet_b',
    'small_matching',
]
