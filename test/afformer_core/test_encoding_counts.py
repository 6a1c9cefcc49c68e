# SPDX-License-Identifier: Apache-2.0
"""Numbers of encodings and decodings of one image by the networks of a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.arrays import UInt8Array
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.networks import Networks

NAMES = ('left', 'right', 'above', 'near')


class Counted:
    """A session of either kind that lists the calls of its methods, and the images of them."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.calls: list[str] = []
        self.images: list[UInt8Array] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._session, name)
        if not callable(found):
            return found

        def counted(*arguments: Any) -> Any:
            self.calls.append(name)
            if name == 'encode_image':
                self.images.append(arguments[0])
            return found(*arguments)

        return counted


def noise(seed: int, *shape: int) -> UInt8Array:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def grounder_of(networks: Networks, stages: tuple[ZoomStage, ...] = ()) -> ArrayGrounder:
    """Knows a demonstration of each name, of one to four frames."""
    grounder = ArrayGrounder(networks.configuration, networks, zoom_stages=stages)
    for number, name in enumerate(NAMES, 1):
        grounder.set_demonstration(noise(number, number, 70, 110, 3), name)
    return grounder


@pytest.mark.parametrize(
    ('even_confidence', 'calls'), [(1e-9, ['encode_image', *['decode'] * 4]), (1 - 1e-6, [])]
)
def test_an_image_is_encoded_once_for_all_demonstrations(
    matched_folder: Path, even_confidence: float, calls: list[str]
) -> None:
    networks = open_networks(matched_folder, 'torch', 0)
    assert networks.matching is not None
    decoder, matching = Counted(networks.decoder), Counted(networks.matching.session)
    counted = replace(
        networks,
        decoder=decoder,
        matching=replace(
            replace(networks.matching, session=matching),
            settings=replace(networks.matching.settings, even_confidence=even_confidence),
        ),
    )
    grounder = grounder_of(counted)
    image = noise(9, 90, 150, 3)
    alone = [np.log(grounder.predict(image, name).probabilities) for name in NAMES]
    decoder.calls.clear()
    matching.calls.clear()

    together = grounder.predict(image, *NAMES)

    assert decoder.calls == calls
    assert matching.calls == ['encode']
    joined = np.exp(np.mean(alone, axis=0))
    np.testing.assert_allclose(together.probabilities, joined / joined.sum(), rtol=1e-4)


def test_each_crop_is_grounded_in_one_of_the_demonstrations(matched_folder: Path) -> None:
    networks = open_networks(matched_folder, 'torch', 0, with_matching=False)
    decoder = Counted(networks.decoder)
    stages = ZoomStage(1.5, 1.7), ZoomStage(2.1, 2.6)
    grounder = grounder_of(replace(networks, decoder=decoder), stages)
    decoder.calls.clear()
    decoder.images.clear()

    grounder.predict(noise(9, 90, 150, 3), *NAMES)

    zoomed = ['encode_image', 'decode']
    assert decoder.calls == ['encode_image', *['decode'] * 4, *zoomed, *zoomed]
    whole, crop, smaller = decoder.images
    assert not np.array_equal(whole, crop)
    assert not np.array_equal(crop, smaller)


@pytest.mark.parametrize('stages', [(), (ZoomStage(1.5, 1.7), ZoomStage(2.1, 2.6))])
def test_one_demonstration_costs_one_decoding_in_each_stage(
    matched_folder: Path, stages: tuple[ZoomStage, ...]
) -> None:
    networks = open_networks(matched_folder, 'torch', 0, with_matching=False)
    decoder = Counted(networks.decoder)
    grounder = grounder_of(replace(networks, decoder=decoder), stages)
    decoder.calls.clear()

    grounder.predict(noise(9, 90, 150, 3), 'above')

    assert decoder.calls == ['encode_image', 'decode'] * (1 + len(stages))
