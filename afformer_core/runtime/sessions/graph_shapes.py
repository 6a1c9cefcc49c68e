# SPDX-License-Identifier: Apache-2.0
"""The shapes that the inputs of a model's graphs have."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.runtime.model_folder import MatchingDescription, NetworkDescription

# Frames that are encoded at once if there are many, as in training and evaluation.
MOST_FRAMES_AT_ONCE = 8
# (height, width) of most cameras' images.
_USUAL_SIZE = (480, 640)


@dataclass(frozen=True)
class ShapeRange:
    """The shapes that one input may have: smallest, usual and largest.

    Raises:
        ValueError: a size is below 1, or decreases from one shape to the next.
    """

    smallest: tuple[int, ...]
    usual: tuple[int, ...]
    largest: tuple[int, ...]

    def __post_init__(self) -> None:
        shapes = zip(self.smallest, self.usual, self.largest, strict=True)
        if not all(0 < low <= middle <= high for low, middle, high in shapes):
            raise ValueError(
                f'the shapes are {self.smallest}, {self.usual} and {self.largest}; expected sizes '
                'above 0 that do not decrease'
            )


def shape_ranges(description: NetworkDescription) -> dict[str, dict[str, ShapeRange]]:
    """Compute the shapes of the inputs of a network's graphs, by graph and input."""
    if isinstance(description, MatchingDescription):
        # The contact head runs on the CPU.
        return {'encode': {'images': _scales_range(description.configuration)}}
    configuration = description.configuration
    rows, columns = configuration.feature_size
    channels, frames = configuration.feature_channels, configuration.maximum_frames
    encode = {'frames': _image_range(configuration.input_size)}
    memorize = {
        'features': ShapeRange(
            (1, channels, rows, columns),
            (frames, channels, rows, columns),
            (frames, channels, rows, columns),
        )
    }
    return {
        'encode_frames': encode,
        'memorize': memorize,
        'encode_image': {},
        'decode': _memory_shapes(configuration),
    }


def _image_range(size: tuple[int, int]) -> ShapeRange:
    image = *size, 3
    return ShapeRange((1, *image), (1, *image), (MOST_FRAMES_AT_ONCE, *image))


def _scales_range(configuration: MatchingConfiguration) -> ShapeRange:
    """Return the shapes of frames at the input size, and of images of any aspect at each scale."""
    if not configuration.long_sides:
        return _image_range(configuration.input_size)
    largest = max(*configuration.input_size, *configuration.long_sides)
    (shortest, _), *_ = configuration.scales((1, largest))
    usual = configuration.scales(_USUAL_SIZE)[-1]
    return ShapeRange(
        (1, shortest, shortest, 3), (1, *usual, 3), (MOST_FRAMES_AT_ONCE, largest, largest, 3)
    )


def _memory_shapes(configuration: AfformerConfiguration) -> dict[str, ShapeRange]:
    least = configuration.memory_shapes(1)
    usual = configuration.memory_shapes(configuration.maximum_frames)
    shapes = {}
    for level, (keys, values) in enumerate(usual):
        shapes[f'keys_{level}'] = ShapeRange(least[level][0], keys, keys)
        shapes[f'values_{level}'] = ShapeRange(least[level][1], values, values)
    return shapes
