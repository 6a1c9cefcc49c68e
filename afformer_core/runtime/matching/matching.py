# SPDX-License-Identifier: Apache-2.0
"""The matching of a contact: its network, settings and exemplars."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.media.images import resize_to_input
from afformer_core.media.polygons import Point
from afformer_core.models.matching.configuration import (
    COARSEST_STRIDE,
    COMPARED_STAGES,
    MatchingConfiguration,
)
from afformer_core.runtime.calibrations import MatchingSettings
from afformer_core.runtime.matching.contact import ContactPositions, ReadContact
from afformer_core.runtime.matching.exemplars import Exemplars, Recall, describe_demonstration
from afformer_core.runtime.matching.matcher import (
    DescribedContact,
    FeaturePyramid,
    Match,
    feature_pyramid,
)
from afformer_core.runtime.session import MatchingSession, Stages


@dataclass(frozen=True, eq=False)
class MatchingMemory:
    """The memory of a demonstration for matching.

    Attributes:
        contact: its contact.
        recall: exemplars that the demonstration resembles; None if there are none.
    """

    contact: DescribedContact
    recall: Recall | None = None

    def match(self, image: FeaturePyramid, size: tuple[int, int]) -> Match:
        """Find the contact, or what the exemplars mark instead, in an image.

        See `DescribedContact.match` for the arguments.
        """
        found = self.contact.match(image, size)
        if self.recall is None:
            return found
        return replace(found, logits=self.recall.join(found.logits, image))

    @property
    def recalled_share(self) -> float:
        """Share of the heatmap that comes from exemplars, 0 to 1."""
        return 0.0 if self.recall is None else self.recall.share

    def match_probability(self, image: FeaturePyramid, point: Point) -> float:
        """Compute the probability that a point of an image is the match of the contact, 0 to 1.

        With exemplars, this is the mean with the probability of their heatmap around the point,
        weighted by their share.

        Args:
            image: feature maps of the image.
            point: (x, y) as shares of the image's width and height.
        """
        returned = self.contact.return_probability(image, point)
        if self.recall is None:
            return returned
        share = self.recall.share
        return (1 - share) * returned + share * self.recall.probability_near(image, point)


@dataclass(frozen=True)
class Matching:
    """A matching network, ready to find the contact of demonstrations in images.

    Attributes:
        session: session of the network.
        configuration: its architecture.
        settings: settings that weigh its heatmap against the decoder's.
        exemplars: features at the marks of own pairs; None if there are none.

    Raises:
        ModelFolderError: the exemplars are of another network.
    """

    session: MatchingSession
    configuration: MatchingConfiguration
    settings: MatchingSettings
    exemplars: Exemplars | None = None

    def __post_init__(self) -> None:
        compared = self.configuration.stage_shapes[:COMPARED_STAGES]
        scales = max(1, len(self.configuration.long_sides))
        channels = scales * sum(channels for channels, *_ in compared)
        if self.exemplars is not None and self.exemplars.marks.shape[1] != channels:
            raise ModelFolderError(
                f'the exemplars have {self.exemplars.marks.shape[1]} channels; expected '
                f'{channels}, as the matching network has. Train on the pairs again'
            )

    def pyramid(self, image: UInt8Array) -> FeaturePyramid:
        """Compute the feature maps of uint8 RGB [H, W, 3] at each scale."""
        return encode_pyramid(self.session, self.configuration, image)

    def contact_prior(self, frames: UInt8Array, stages: Stages) -> FloatArray:
        """Compute the log-probability of the contact at each position of the first frame.

        Args:
            frames: uint8 RGB [T, H, W, 3].
            stages: their stages at the input size, each [T, C, h, w].

        Returns:
            float32 [rows, columns], the mean over the frames and their mirror images, in which the
            contact head makes different errors.
        """
        size = self.configuration.input_size
        flipped = np.stack([resize_to_input(frame[:, ::-1], size) for frame in frames])
        mirrored = self.session.find_contact(self.session.encode(flipped))[:, ::-1]
        found = self.session.find_contact(stages)
        return np.asarray((found + mirrored) / 2, np.float32)

    def memorize(
        self,
        first_frame: FeaturePyramid,
        frame_size: tuple[int, int],
        stages: Stages,
        mark: Point | None = None,
        read: ReadContact | None = None,
    ) -> MatchingMemory:
        """Compute the memory of a demonstration.

        Args:
            first_frame: feature maps of the first frame.
            frame_size: (height, width) of the frame.
            stages: stages of all frames at the input size, each [T, C, h, w].
            mark: the contact if it was marked, (x, y) as shares of the frame's width and height.
            read: the contact that was read, if any. Without a mark and a reading, it is found.
        """
        if mark is not None:
            positions = ContactPositions.marked(mark, read, frame_size)
        elif read is not None:
            positions = ContactPositions.read(read, frame_size)
        else:
            positions = ContactPositions.found(self.session.find_contact(stages))
        described = DescribedContact.of(first_frame, positions, frame_size)
        # A marked contact needs no exemplars.
        if self.exemplars is None or mark is not None:
            return MatchingMemory(described)
        return MatchingMemory(described, self.exemplars.recall(describe_demonstration(stages)))


def encode_pyramid(
    session: MatchingSession, configuration: MatchingConfiguration, image: UInt8Array
) -> FeaturePyramid:
    """Compute the feature maps of uint8 RGB [H, W, 3] at each scale of a matching network."""
    height, width = image.shape[:2]
    encoded = [
        session.encode(resize_to_input(image, size)[None])
        for size in compared_sizes(configuration, (height, width))
    ]
    return feature_pyramid([tuple(stage[0] for stage in stages) for stages in encoded])


def compared_sizes(
    configuration: MatchingConfiguration, image_size: tuple[int, int]
) -> tuple[tuple[int, int], ...]:
    """Return the sizes (height, width) at which an image of (height, width) is compared."""
    if not configuration.long_sides:
        return (configuration.input_size,)
    height, width = (side / max(image_size) for side in image_size)
    return tuple(
        (_rounded(side * height), _rounded(side * width)) for side in configuration.long_sides
    )


def _rounded(side: float) -> int:
    """Round a side to a multiple of the coarsest stride, at least one."""
    return max(COARSEST_STRIDE, round(side / COARSEST_STRIDE) * COARSEST_STRIDE)
