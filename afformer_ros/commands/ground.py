# SPDX-License-Identifier: Apache-2.0
"""Arguments of ground.launch.py as those of the executable `grounding`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.parameter_fields import ArgumentError, defaults_of, value_of
from afformer_ros.quality_of_service import QosParameters

# Topics that are remapped to the argument of their name with the suffix _topic.
INPUT_TOPICS = ('image', 'depth', 'camera_info', 'demonstration')
_SEPARATOR = ':='


def executable_arguments(words: Sequence[str]) -> list[str]:
    """Translate arguments of the launch file.

    Args:
        words: arguments of the form NAME:=VALUE.

    Returns:
        arguments of the executable, from `--ros-args` on.

    Raises:
        ArgumentError: an argument is unknown, or its value has another type.
    """
    arguments = ['--ros-args']
    for word in words:
        name, separator, value = word.partition(_SEPARATOR)
        if not separator:
            raise ArgumentError(f'an argument is {word!r}; expected NAME:=VALUE')
        arguments += _translated(name, value)
    return arguments


def _translated(name: str, value: str) -> list[str]:
    topic = name.removesuffix('_topic')
    if name != topic and topic in INPUT_TOPICS:
        return ['-r', f'{topic}:={value}']
    if name == 'namespace':
        return ['-r', f'__ns:=/{value.strip("/")}']
    if name == 'params_file':
        return ['--params-file', value]
    if name == 'log_level':
        return ['--log-level', value]
    defaults: dict[str, Any] = {
        'use_sim_time': False,
        **defaults_of(GroundingParameters),
        **defaults_of(QosParameters),
    }
    if name not in defaults:
        topics = ', '.join(f'{topic_name}_topic' for topic_name in INPUT_TOPICS)
        raise ArgumentError(
            f'an argument is {name!r}; expected {topics}, namespace, params_file, log_level, or '
            'a parameter of config/ground.yaml. RViz and a restart need ros2 launch'
        )
    return ['-p', f'{name}:={json.dumps(value_of(name, value, defaults[name]))}']
