# SPDX-License-Identifier: Apache-2.0
"""The sense of a rotation is stored with a demonstration, and part of every prediction."""

import pytest

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.runtime import ArrayGrounder, Peak
from afformer_core.runtime.grounding import Sense

from .turned_disc import disc_frame


def _contact(grounder, encoded):
    height, width = encoded.size
    return Peak(width / 2, 0.45 * height, 1.0)


@pytest.mark.parametrize(
    ('degrees', 'sense'), [(3.0, Sense.CLOCKWISE), (-3.0, Sense.COUNTERCLOCKWISE)]
)
def test_the_sense_is_there_again_after_a_restart(
    monkeypatch, grounder, open_grounder, tmp_path, degrees, sense
):
    monkeypatch.setattr(ArrayGrounder, 'contact', _contact)
    shown = tuple(disc_frame(degrees * number) for number in range(16))
    library = DemonstrationLibrary(grounder, DemonstrationStore(tmp_path))
    library.add(MediaFrames((shown[0], shown[-1]), 16, 1.0, shown), 'turn')
    assert library.predict(shown[0]).rotation.sense is sense
    again = DemonstrationLibrary(open_grounder(process=1), DemonstrationStore(tmp_path))
    again.select('turn')
    assert again.predict(shown[0]).rotation.sense is sense
