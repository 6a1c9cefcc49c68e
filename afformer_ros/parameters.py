# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node: names, defaults, ranges and what each is for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, QoSReliabilityPolicy

BACKENDS = ('auto', 'torch', 'onnxruntime')
IMAGE_TYPES = ('auto', 'raw', 'compressed')
RELIABILITIES = ('best_effort', 'reliable')


def _parameter(
    default: Any,
    description: str,
    *,
    limits: tuple[float, float] | None = None,
    choices: tuple[str, ...] = (),
    change: str = 'anytime',
) -> Any:
    """A parameter; `change` says when it may: 'anytime', 'unconfigured', or 'never'."""
    metadata = {'description': description, 'limits': limits, 'choices': choices, 'change': change}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class GroundingParameters:
    """Every parameter of the node `grounding`; the text of each is its ROS description."""

    model: str = _parameter(
        '', 'Folder of the model; empty: the one shipped with the package', change='unconfigured'
    )
    backend: str = _parameter(
        'auto',
        'What computes: torch, onnxruntime, or auto (onnxruntime where the model has graphs)',
        choices=BACKENDS,
        change='unconfigured',
    )
    threads: int = _parameter(
        0,
        'Threads to compute with; 0: the backend chooses',
        limits=(0, 256),
        change='unconfigured',
    )
    selected_demonstration: str = _parameter(
        '',
        'Stored demonstration to select when the node is configured; empty: none until a service '
        'selects one',
        change='unconfigured',
    )
    minimum_confidence: float = _parameter(
        0.0,
        'Below this confidence the affordance is published with found false and without points',
        limits=(0.0, 1.0),
    )
    maximum_peaks: int = _parameter(
        5, 'Peaks of the heatmap published as points, at most', limits=(1, 100)
    )
    overlay_opacity: float = _parameter(
        0.6, 'Opacity of the heatmap where it is highest in the overlay', limits=(0.0, 1.0)
    )
    image_type: str = _parameter(
        'auto',
        'Messages on image: raw (sensor_msgs/Image), compressed (sensor_msgs/CompressedImage), or '
        'auto: what the publisher sends',
        choices=IMAGE_TYPES,
        change='unconfigured',
    )
    image_reliability: str = _parameter(
        'best_effort',
        'Reliability asked of the publisher of image',
        choices=RELIABILITIES,
        change='unconfigured',
    )
    image_depth: int = _parameter(
        1,
        'Images that the middleware keeps; only the newest is grounded',
        limits=(1, 100),
        change='unconfigured',
    )
    demonstration_type: str = _parameter(
        'auto',
        'Messages on demonstration: raw, compressed, or auto, as for image_type',
        choices=IMAGE_TYPES,
        change='unconfigured',
    )
    demonstration_reliability: str = _parameter(
        'best_effort',
        'Reliability asked of the publisher of demonstration',
        choices=RELIABILITIES,
        change='unconfigured',
    )
    demonstration_depth: int = _parameter(
        30,
        'Frames of a demonstration that the middleware keeps',
        limits=(1, 1000),
        change='unconfigured',
    )
    recording_queue: int = _parameter(
        60,
        'Frames of a demonstration that may wait to be encoded; more are dropped and reported',
        limits=(1, 10000),
        change='unconfigured',
    )
    maximum_recording_seconds: float = _parameter(
        120.0, 'A recording longer than this is finished by itself', limits=(0.1, 86400.0)
    )
    store_folder: str = _parameter(
        '',
        'Folder that keeps finished demonstrations; empty: $ROS_HOME/afformer/demonstrations, '
        'with ROS_HOME ~/.ros where unset',
        change='never',
    )
    demonstration_folders: tuple[str, ...] = _parameter(
        ('',),
        'Folders below which load_demonstration may read; empty texts are ignored, and with no '
        'folder it reads nothing',
        change='never',
    )
    diagnostics_period: float = _parameter(
        1.0,
        'Seconds between two messages on /diagnostics',
        limits=(0.1, 60.0),
        change='unconfigured',
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            _check(one.name, getattr(self, one.name), one.metadata)

    @classmethod
    def declare(cls, node: Node) -> None:
        """Declare all parameters of the node.

        Raises:
            rclpy.exceptions.InvalidParameterValueException: a value that was given is out of
                range.
            rclpy.exceptions.InvalidParameterTypeException: it is of another type.
        """
        for one in fields(cls):
            default = list(one.default) if isinstance(one.default, tuple) else one.default
            node.declare_parameter(one.name, default, _descriptor(one.metadata))

    @classmethod
    def read(cls, node: Node) -> GroundingParameters:
        """The values at this moment.

        Raises:
            ValueError: one of them is none of the choices.
        """
        values: dict[str, Any] = {}
        for one in fields(cls):
            value = node.get_parameter(one.name).value
            values[one.name] = tuple(value) if isinstance(value, (list, tuple)) else value
        return cls(**values)

    @property
    def store_path(self) -> Path:
        """Folder that keeps finished demonstrations."""
        if self.store_folder:
            return Path(self.store_folder).expanduser()
        home = os.environ.get('ROS_HOME') or '~/.ros'
        return Path(home).expanduser() / 'afformer' / 'demonstrations'

    @property
    def readable_folders(self) -> tuple[Path, ...]:
        """Folders below which demonstrations may be read, resolved."""
        return tuple(Path(one).expanduser().resolve() for one in self.demonstration_folders if one)

    @property
    def image_qos(self) -> QoSProfile:
        """Quality of service of the subscription to `image`."""
        return _qos(self.image_reliability, self.image_depth)

    @property
    def demonstration_qos(self) -> QoSProfile:
        """Quality of service of the subscription to `demonstration`."""
        return _qos(self.demonstration_reliability, self.demonstration_depth)


def validate_change(parameters: Iterable[Parameter[Any]], configured: bool) -> SetParametersResult:
    """Whether these parameters may be set, with the reason where not.

    Args:
        parameters: as a callback of `add_on_set_parameters_callback` gets them.
        configured: whether the node is past its configuration.
    """
    known = {one.name: one.metadata for one in fields(GroundingParameters)}
    for parameter in parameters:
        metadata = known.get(parameter.name)
        if metadata is None:
            continue
        if configured and metadata['change'] == 'unconfigured':
            return SetParametersResult(
                successful=False,
                reason=f'{parameter.name} is used when the node is configured; clean the node up '
                'before it is changed',
            )
        try:
            _check(parameter.name, parameter.value, metadata)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)


def _check(name: str, value: Any, metadata: Any) -> None:
    choices, limits = metadata['choices'], metadata['limits']
    if choices and value not in choices:
        raise ValueError(f'{name} is {value!r}; it must be one of {", ".join(choices)}')
    if limits and not limits[0] <= value <= limits[1]:
        raise ValueError(f'{name} is {value}; it must be from {limits[0]} to {limits[1]}')


def _descriptor(metadata: Any) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=metadata['description'], read_only=metadata['change'] == 'never'
    )
    constraints = []
    if metadata['choices']:
        constraints.append(f'one of {", ".join(metadata["choices"])}')
    if metadata['change'] == 'unconfigured':
        constraints.append('changes only while the node is unconfigured')
    descriptor.additional_constraints = '; '.join(constraints)
    if metadata['limits']:
        low, high = metadata['limits']
        if isinstance(low, int):
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
        else:
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=low, to_value=high, step=0.0)
            ]
    return descriptor


def _qos(reliability: str, depth: int) -> QoSProfile:
    policy = (
        QoSReliabilityPolicy.RELIABLE
        if reliability == 'reliable'
        else QoSReliabilityPolicy.BEST_EFFORT
    )
    return QoSProfile(depth=depth, reliability=policy)
