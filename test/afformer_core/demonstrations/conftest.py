# SPDX-License-Identifier: Apache-2.0
"""A grounder, images to record, and demonstrations that were finished."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.state import StoreEntry, Summary
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import EncodedFrames, FrameFeatures


@pytest.fixture(scope='session')
def open_grounder(shipped_model: Path) -> Callable[..., ArrayGrounder]:
    """Opens the shipped model without demonstrations.

    Its networks are loaded once, and once more for each other process by its number.
    """

    @cache
    def loaded(process: int) -> ArrayGrounder:
        return ArrayGrounder.load(shipped_model, threads=1)

    def open_again(process: int = 0) -> ArrayGrounder:
        one = loaded(process)
        return ArrayGrounder(
            one.configuration,
            one._networks,
            one._weights,
            one.calibrations,
            one.zoom_stages,
            one.calibration_problem,
        )

    return open_again


@pytest.fixture
def grounder(open_grounder: Callable[..., ArrayGrounder]) -> ArrayGrounder:
    return open_grounder()


@pytest.fixture
def library(grounder: ArrayGrounder, tmp_path: Path) -> DemonstrationLibrary:
    return DemonstrationLibrary(grounder, DemonstrationStore(tmp_path / 'store'))


@pytest.fixture
def restarted(
    open_grounder: Callable[..., ArrayGrounder], tmp_path: Path
) -> Callable[..., DemonstrationLibrary]:
    """Opens the same store with a model of its own, as after a restart."""

    def open_again(
        changes: Callable[[ArrayGrounder], ArrayGrounder] = lambda one: one,
    ) -> DemonstrationLibrary:
        grounder = changes(open_grounder(process=1))
        return DemonstrationLibrary(grounder, DemonstrationStore(tmp_path / 'store'))

    return open_again


@pytest.fixture(scope='session')
def desk() -> Callable[[int], np.ndarray]:
    """Makes noisy images of a still desk, uint8 [120, 160, 3]; each number is other noise."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(40, 200, (12, 16, 3), np.uint8)
    scene = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC).astype(np.float32)

    def make(number: int) -> np.ndarray:
        noise = np.random.default_rng(number).normal(0, 3, scene.shape)
        return np.clip(scene + noise, 0, 255).astype(np.uint8)

    return make


@pytest.fixture(scope='session')
def busy_desk(desk: Callable[[int], np.ndarray]) -> Callable[[int], np.ndarray]:
    """Makes images of the desk over which a dark square moves, each number one step."""

    def make(number: int) -> np.ndarray:
        image = desk(number)
        left = 10 + 6 * (number % 20)
        image[40:75, left : left + 30] = 20
        return image

    return make


def record(library: DemonstrationLibrary, name: str, images: Iterable[np.ndarray]) -> Summary:
    """Record images, ten a second."""
    library.start(name)
    for number, image in enumerate(images):
        library.add_frame(image, 100 + number / 10)
    return library.finish()


@pytest.fixture(scope='session')
def save() -> Callable[..., Path]:
    """Writes a demonstration of three frames of one grey level into a store."""

    def write(
        store: DemonstrationStore,
        name: str,
        created: float = 1.0,
        value: int = 7,
        fingerprint: str = 'model',
    ) -> Path:
        writer = store.begin(name)
        for number in range(3):
            writer.add_frame(np.full((24, 32, 3), value, np.uint8), 100 + 0.25 * number)
        summary = Summary(
            name=name,
            frames=3,
            frames_kept=2,
            duration=0.5,
            begin=0.25,
            end=0.5,
            trimmed_by='motion',
            hands_seen=1,
        )
        encoded = EncodedFrames(
            np.full((2, 8, 8, 3), value, np.uint8),
            FrameFeatures(np.full((2, 4, 1, 1), value, np.float32)),
        )
        writer.finish(StoreEntry(summary, created, 1, 2, fingerprint), encoded)
        return store.folder / f'{name}.mcap'

    return write
