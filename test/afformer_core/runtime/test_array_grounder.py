# SPDX-License-Identifier: Apache-2.0
"""Arrays of demonstrations and images, grounded."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.media.video_frames import uniform_indices
from afformer_core.models import afformer_small
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import Memory, Session
from afformer_core.runtime.sessions.torch_session import TorchSession
from afformer_core.runtime.weights import load_model, save_model

from ..conftest import random_model

Images = Callable[..., np.ndarray]


@pytest.fixture
def grounder(small_folder: Path) -> ArrayGrounder:
    return ArrayGrounder.load(small_folder, 'onnxruntime')


class CountingSession(TorchSession):
    """Counts the frames that it encodes."""

    encoded = 0

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        self.encoded += len(frames)
        return super().encode_frames(frames)

    def memorize(self, features: FloatArray) -> Memory:
        self.memorized = len(features)
        return super().memorize(features)


def grounder_of(folder: Path, session: Session) -> ArrayGrounder:
    configuration = read_description(folder).configuration
    return ArrayGrounder(configuration, Networks(configuration, session))


def test_forty_frames_are_sampled_to_thirty_two(small_folder: Path, images: Images) -> None:
    model = load_model(small_folder)
    frames, image = images(40, 64, 96, 3), images(64, 96, 3)
    chosen = torch.from_numpy(frames[uniform_indices(40, 32)])[None]
    with torch.no_grad():
        logits = model(torch.from_numpy(image)[None], chosen)[0]
    expected = logits.flatten().softmax(0).view(64, 96).numpy()

    grounder = ArrayGrounder.load(small_folder, 'torch')
    demonstration = grounder.set_demonstration(frames, 'forty')
    heatmap = grounder.ground(image, 'forty').heatmap

    assert demonstration.frame_count == 40
    assert demonstration.frames_kept == 32
    assert np.abs(heatmap - expected).max() / expected.max() < 1e-5


def test_a_long_stream_is_bounded(small_folder: Path, images: Images) -> None:
    session = CountingSession.load(small_folder)
    grounder = grounder_of(small_folder, session)
    demonstration = grounder.set_demonstration(
        (image for _ in range(60) for image in images(10, 64, 96, 3)), 'long'
    )

    assert demonstration.frame_count == 600
    assert session.memorized == 32
    assert session.encoded == 32
    # Images encode no frame again.
    for size in ((64, 96), (48, 48)):
        grounder.ground(images(*size, 3), 'long')
    assert session.encoded == 32


def test_grounding_is_in_the_source_image(grounder: ArrayGrounder, images: Images) -> None:
    grounder.set_demonstration(images(3, 64, 96, 3), 'three')
    grounding = grounder.ground(images(480, 640, 3), 'three', maximum_peaks=3)

    assert grounding.heatmap.shape == (480, 640)
    assert grounding.heatmap.dtype == np.float32
    assert grounding.heatmap.sum(dtype=np.float64) == pytest.approx(1, abs=1e-4)
    assert 1 <= len(grounding.peaks) <= 3
    assert sum(grounding.action_scores.values()) == pytest.approx(1, abs=1e-5)
    assert grounding.action == max(
        grounding.action_scores, key=grounding.action_scores.__getitem__
    )
    assert grounding.confidence == grounding.peaks[0].score


def test_of_several_demonstrations_the_mean_of_the_logits_counts(
    grounder: ArrayGrounder, images: Images
) -> None:
    image = images(64, 96, 3)
    grounder.set_demonstration(images(3, 64, 96, 3), 'a')
    grounder.set_demonstration(images(2, 64, 96, 3), 'b')
    a, b, both = (grounder.predict(image, *names) for names in (('a',), ('b',), ('a', 'b')))

    geometric_mean = np.sqrt(a.probabilities * b.probabilities)
    np.testing.assert_allclose(
        both.probabilities, geometric_mean / geometric_mean.sum(), rtol=1e-4
    )
    assert np.abs(both.probabilities - a.probabilities).max() > 1e-6
    other_order = grounder.predict(image, 'b', 'a').probabilities
    np.testing.assert_allclose(both.probabilities, other_order, rtol=1e-4)
    twice = grounder.predict(image, 'a', 'a').probabilities
    np.testing.assert_allclose(twice, a.probabilities, rtol=1e-4)
    encoded = grounder.predict_encoded(grounder.encode_image(image), 'a', 'b')
    np.testing.assert_array_equal(encoded.probabilities, both.probabilities)
    with pytest.raises(DemonstrationError, match='expected at least one name'):
        grounder.predict(image)


def test_a_demonstration_that_is_replaced_counts_at_once(
    grounder: ArrayGrounder, images: Images
) -> None:
    image = images(64, 96, 3)
    for name in ('a', 'b'):
        grounder.set_demonstration(images(2, 64, 96, 3), name)
    before = grounder.predict(image, 'a', 'b').probabilities
    grounder.set_demonstration(images(3, 64, 96, 3)[::-1], 'b')

    assert np.abs(grounder.predict(image, 'a', 'b').probabilities - before).max() > 1e-6
    grounder.set_demonstration(images(2, 64, 96, 3), 'a')
    assert grounder.demonstrations == ('b', 'a')
    grounder.delete_demonstration('b')
    assert grounder.demonstrations == ('a',)
    with pytest.raises(DemonstrationError, match="no demonstration 'b'; there are: a"):
        grounder.predict(image, 'a', 'b')
    with pytest.raises(DemonstrationError, match="no demonstration 'b'"):
        grounder.delete_demonstration('b')


def test_memorizing_encoded_frames_again_gives_the_same_to_the_bit(
    grounder: ArrayGrounder, images: Images
) -> None:
    image, frames = images(64, 96, 3), list(images(3, 64, 96, 3))
    grounder.set_demonstration(frames, 'a')
    encoded = EncodedFrames.stack([(frame, grounder.encode(frame)) for frame in frames])
    demonstration = grounder.memorize(encoded, 'b', 7)

    assert (demonstration.name, demonstration.frame_count) == ('b', 7)
    np.testing.assert_array_equal(
        grounder.predict(image, 'b').probabilities, grounder.predict(image, 'a').probabilities
    )


def test_the_fingerprint_tells_models_apart(small_folder: Path) -> None:
    grounder = ArrayGrounder.load(small_folder, 'torch')
    weights = read_description(small_folder).weights_sha256

    assert grounder.fingerprint == f'{weights} 96 pixels 32 frames'
    assert grounder_of(small_folder, TorchSession.load(small_folder)).fingerprint == ''


@pytest.mark.parametrize(
    ('size', 'shrunk'),
    [((480, 640), (72, 96)), ((640, 480), (96, 72)), ((40, 96), (40, 96)), ((1, 500), (1, 96))],
)
def test_frames_are_shrunk_and_keep_their_aspect(
    grounder: ArrayGrounder, images: Images, size: tuple[int, int], shrunk: tuple[int, int]
) -> None:
    assert grounder.resize(images(*size, 3)).shape == (*shrunk, 3)
    demonstration = grounder.set_demonstration([images(*size, 3)], 'a')
    assert demonstration.frame_size == shrunk
    assert (demonstration.contact_probability, demonstration.contacts) == (None, ())


@pytest.mark.parametrize(
    ('frames', 'name', 'reason'),
    [
        (0, 'knob', "'knob' has 0 frames; expected at least 1"),
        (2, '', 'name of the demonstration is empty'),
    ],
)
def test_a_demonstration_without_a_frame_or_a_name(
    grounder: ArrayGrounder, images: Images, frames: int, name: str, reason: str
) -> None:
    with pytest.raises(DemonstrationError, match=reason):
        grounder.set_demonstration(images(frames, 64, 96, 3), name)
    with pytest.raises(DemonstrationError, match='none yet'):
        grounder.ground(images(64, 96, 3), 'knob')


def test_a_bad_frame_leaves_the_earlier_demonstration(
    grounder: ArrayGrounder, images: Images
) -> None:
    grounder.set_demonstration(images(2, 64, 96, 3), 'knob')
    with pytest.raises(ImageError, match='float64'):
        grounder.set_demonstration([images(64, 96, 3), np.zeros((64, 96, 3))], 'knob')

    assert grounder.demonstration('knob').frame_count == 2


@pytest.mark.parametrize('shape', [(0, 0, 3), (0, 5, 3), (4, 4), (4, 4, 4)])
def test_what_is_no_image_is_refused(
    grounder: ArrayGrounder, images: Images, shape: tuple[int, ...]
) -> None:
    grounder.set_demonstration(images(1, 64, 96, 3), 'knob')
    with pytest.raises(ImageError, match='shape'):
        grounder.ground(np.zeros(shape, np.uint8), 'knob')


def test_auto_takes_the_graphs_where_they_are(copied_folder: Path) -> None:
    assert ArrayGrounder.load(copied_folder).backend == 'onnxruntime'
    (copied_folder / 'graphs.json').unlink()
    assert ArrayGrounder.load(copied_folder).backend == 'torch'


def test_unknown_backend(small_folder: Path) -> None:
    with pytest.raises(ValueError, match='caffe'):
        ArrayGrounder.load(small_folder, 'caffe')


def test_a_model_that_scores_no_actions_finds_a_peak(tmp_path: Path, images: Images) -> None:
    save_model(tmp_path, random_model(afformer_small((), (64, 64))), {})
    grounder = ArrayGrounder.load(tmp_path)
    grounder.set_demonstration(images(3, 64, 64, 3), 'press')

    grounding = grounder.ground(images(48, 64, 3), 'press')

    assert grounding.peaks
    assert grounding.action_scores == {}
    assert (grounding.action, grounding.answer) == ('', '')
