# SPDX-License-Identifier: Apache-2.0
"""The golden outputs of a model folder: stored by its export, or computed on drawn images.

A matching network alone is compared with PyTorch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.matching.matcher import ContactPositions, DescribedContact, heatmap_size
from afformer_core.runtime.matching.matching import Matching, encode_pyramid
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    read_description,
    read_exemplars,
    read_matching,
)
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.self_test import (
    Differences,
    GoldenOutputs,
    SelfTestError,
    heatmap_differences,
)
from afformer_core.runtime.session import MatchingSession
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession, TorchSession

Colour = tuple[int, int, int]
Point = tuple[float, float]

# Drawn larger by this factor, for smooth edges.
_SHARPNESS = 4
_WALL, _OTHER_WALL = (96, 112, 104), (120, 110, 96)
_BUTTON, _KNOB = (-0.20, 0.05), (0.26, 0.05)
_BETWEEN = (0.10, 0.20)
# Corners, colour and width of the border, None for a filled box.
_BOXES: tuple[tuple[Point, Point, Colour, float | None], ...] = (
    ((-0.38, -0.26), (0.38, 0.26), (205, 200, 190), None),
    ((-0.38, -0.26), (0.38, 0.26), (90, 88, 84), 0.008),
    ((-0.28, -0.20), (0.10, -0.15), (60, 70, 60), None),
    ((-0.05, -0.06), (0.07, 0.10), (30, 50, 110), None),
    ((-0.04, -0.05), (0.06, 0.08), (60, 100, 190), None),
)
# Centre, radius and colour.
_DISCS: tuple[tuple[Point, float, Colour], ...] = (
    ((-0.22, 0.02), 0.07, (70, 20, 20)),
    ((-0.22, 0.01), 0.06, (200, 40, 36)),
    ((0.24, 0.02), 0.085, (40, 40, 42)),
)


def golden_size(configuration: AfformerConfiguration | MatchingConfiguration) -> tuple[int, int]:
    """Return (height, width) of images that test a network: its input size, or a camera's aspect.

    Args:
        configuration: configuration of the matching network, or of a model without one.
    """
    if not isinstance(configuration, MatchingConfiguration) or not configuration.long_sides:
        return configuration.input_size
    longest = configuration.long_sides[-1]
    return longest * 3 // 4, longest


def golden_frames(size: tuple[int, int]) -> UInt8Array:
    """Draw frames, uint8 RGB [4, height, width, 3]: no hand, at the button, between, at the knob.

    Args:
        size: (height, width).
    """
    hands = (None, _BUTTON, _BETWEEN, _KNOB)
    return np.stack([_panel(size, _WALL, hand=hand) for hand in hands])


def golden_image(size: tuple[int, int]) -> UInt8Array:
    """Draw the same panel in another place, smaller, uint8 RGB [height, width, 3]."""
    return _panel(size, _OTHER_WALL, (0.06, -0.05), 0.86)


def _panel(
    size: tuple[int, int],
    wall: Colour,
    shift: tuple[float, float] = (0.0, 0.0),
    scale: float = 1.0,
    hand: tuple[float, float] | None = None,
) -> UInt8Array:
    """Draw the panel, with coordinates in shares of the image's shorter side from its centre."""
    height, width = (_SHARPNESS * side for side in size)
    shades = np.linspace(0.75, 1.25, height)[:, None, None] * np.array(wall)
    canvas = shades.repeat(width, axis=1).astype(np.uint8)
    centre = width * (0.5 + shift[0]), height * (0.5 + shift[1])
    unit = scale * min(height, width)

    def pixel(x: float, y: float) -> tuple[int, int]:
        return round(centre[0] + unit * x), round(centre[1] + unit * y)

    def length(share: float) -> int:
        return max(1, round(unit * share))

    for first, last, colour, border in _BOXES:
        thickness = -1 if border is None else length(border)
        cv2.rectangle(canvas, pixel(*first), pixel(*last), colour, thickness)
    for middle, radius, colour in _DISCS:
        cv2.circle(canvas, pixel(*middle), length(radius), colour, -1)
    cv2.line(canvas, pixel(0.24, 0.02), pixel(0.27, -0.05), (235, 235, 235), length(0.014))
    if hand is not None:
        x, y = hand
        # It comes from below and touches the position with a finger.
        finger = pixel(x, y), pixel(x + 0.08, y + 0.16)
        cv2.line(canvas, *finger, (214, 160, 130), length(0.06))
        axes = length(0.11), length(0.15)
        middle_of_hand = pixel(x + 0.13, y + 0.26)
        cv2.ellipse(canvas, middle_of_hand, axes, -25, 0, 360, (206, 150, 122), -1)
        arm = pixel(x + 0.15, y + 0.30), pixel(x + 0.22, y + 0.42)
        cv2.line(canvas, *arm, (198, 144, 116), length(0.14))
    return np.asarray(cv2.resize(canvas, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


_FRAMES = 4


def golden_outputs(
    folder: Path, precision: str = 'fp32', with_matching: bool = True
) -> GoldenOutputs:
    """Return the golden outputs, of PyTorch in fp32, with which to test a precision of a model.

    Args:
        folder: the model folder.
        precision: precision of the network of the folder.
        with_matching: whether the matching network is part of the model, if it has one.

    Raises:
        ModelFolderError: the folder has no valid model.
    """
    description = read_description(folder)
    matching = read_matching(folder, description) if with_matching else None
    size = golden_size((matching or description).configuration)
    for exported in dict.fromkeys((precision, 'fp32')):
        try:
            golden = GoldenOutputs.read(read_graphs(folder, exported).folder)
        except ModelFolderError:
            # There are no graphs, or they belong to other weights. A broken folder raises its own
            # error below.
            continue
        if golden.size == size:
            return golden
    return make_golden_outputs(exact_networks(folder, with_matching))


def exact_networks(folder: Path, with_matching: bool = True) -> Networks:
    """Open a model in PyTorch in fp32, with its matching network if it has one that is wanted.

    Raises:
        ModelFolderError: the folder does not contain a valid model.
    """
    description = read_description(folder)
    networks = Networks(description.configuration, TorchSession.load(folder))
    beside = read_matching(folder, description) if with_matching else None
    if beside is None or description.matching is None:
        return networks
    session = TorchMatchingSession.load(folder / MATCHING_FOLDER)
    exemplars = read_exemplars(folder, description)
    matching = Matching(session, beside.configuration, description.matching, exemplars)
    return replace(networks, matching=matching)


def make_golden_outputs(networks: Networks) -> GoldenOutputs:
    """Compute the outputs of networks for a drawn image and demonstrations of several lengths.

    One demonstration has the maximum number of frames of the model, and one has a single frame.
    Two have two frames, if the model accepts two.
    """
    size = golden_size((networks.matching or networks).configuration)
    most = networks.configuration.maximum_frames
    longest = tuple(number % _FRAMES for number in range(most))
    clips = dict.fromkeys(((1,), (0, 1)[-most:], (2, 3)[-most:], longest))
    return GoldenOutputs.of(networks, golden_frames(size), golden_image(size), tuple(clips))


def compare_matching(
    session: MatchingSession,
    exact: MatchingSession,
    configuration: MatchingConfiguration,
    allowed: Differences,
) -> Differences:
    """Compare the heatmaps of two sessions for a drawn demonstration and image.

    Args:
        session: the session to test.
        exact: a session of the same network in PyTorch in fp32.
        configuration: configuration of the network.
        allowed: largest allowed differences of the heatmap and its peak.

    Returns:
        the differences; 0 for actions and presence, which the network does not compute.

    Raises:
        SelfTestError: a difference is larger than allowed, or not finite.
    """
    found, expected = (_heatmap(tested, configuration) for tested in (session, exact))
    heatmap, peak = heatmap_differences(found[None], expected[None], 0)
    differences = Differences(heatmap, peak, 0.0, 0.0)
    if wrong := differences.beyond(allowed):
        raise SelfTestError(
            f'{session.backend} does not reproduce the matching network, it differs in {wrong}. '
            'Choose another precision or another backend'
        )
    return differences


def _heatmap(session: MatchingSession, configuration: MatchingConfiguration) -> FloatArray:
    size = golden_size(configuration)
    frames = golden_frames(configuration.input_size)[: configuration.maximum_frames]
    positions = ContactPositions.found(session.find_contact(session.encode(frames)))
    first_frame = encode_pyramid(session, configuration, golden_frames(size)[0])
    contact = DescribedContact.of(first_frame, positions, size)
    image = encode_pyramid(session, configuration, golden_image(size))
    return contact.match(image, heatmap_size(size)).logits
