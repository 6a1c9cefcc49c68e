# SPDX-License-Identifier: Apache-2.0
"""The arguments of all launch files, most of which several files share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from afformer_ros.environment import share_folder
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.parameter_fields import constraints_of, defaults_of, value_of

_BOOLEANS = ('true', 'false')
_LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')
# Parameters of the grounding node that are arguments, which apply unless they are empty.
OVERRULING = (
    'model',
    'backend',
    'precision',
    'wait_for_engine',
    'threads',
    'maximum_stages',
    'lazy',
    'minimum_presence',
    'store_folder',
    'demonstration_folders',
    'selected_demonstration',
    'target_frame',
    'vertical_frame',
)


@dataclass(frozen=True)
class LaunchArgument:
    """An argument of a launch file.

    Attributes:
        default: its default; None: it must be given.
        description: its description, in sentences.
        choices: allowed values; empty: any.
    """

    default: str | None
    description: str
    choices: tuple[str, ...] = ()


def launch_arguments(file: str) -> Mapping[str, LaunchArgument]:
    """Return the arguments of a launch file by name.

    Args:
        file: name of the file without `.launch.py`.
    """
    return _FILES[file]()


def declared_arguments(file: str) -> list[Any]:
    """Declare the arguments of a launch file (see `launch_arguments`)."""
    # PyPI has no wheel of launch, and the documentation lists the arguments without it.
    from launch.actions import DeclareLaunchArgument

    return [
        DeclareLaunchArgument(
            name,
            default_value=argument.default,
            description=argument.description,
            choices=list(argument.choices) or None,
        )
        for name, argument in launch_arguments(file).items()
    ]


def overruling_parameters(text_of: Callable[[str], str]) -> dict[str, Any]:
    """Return the parameters of the grounding node that arguments set, in their types.

    Args:
        text_of: returns the value of an argument; empty: the parameter file applies.
    """
    defaults = defaults_of(GroundingParameters)
    return {
        name: value_of(name, text, defaults[name])
        for name in OVERRULING
        if (text := text_of(name)).strip(':')
    }


def _overruling(name: str) -> LaunchArgument:
    constraint = constraints_of(GroundingParameters)[name]
    is_boolean = isinstance(defaults_of(GroundingParameters)[name], bool)
    choices = _BOOLEANS if is_boolean else constraint.choices
    return LaunchArgument(
        '',
        f'{constraint.description}. An empty argument leaves the value of the parameter file.',
        ('', *choices) if choices else (),
    )


def _params_file(name: str, node: str) -> LaunchArgument:
    return LaunchArgument(
        str(share_folder() / 'config' / f'{name}.yaml'),
        f'YAML file with all parameters of the {node}.',
    )


def _shared() -> dict[str, LaunchArgument]:
    """Return the arguments of the grounding node and of RViz."""
    return {
        'namespace': LaunchArgument(
            '', 'Namespace of the node and of every topic whose name does not start with a slash.'
        ),
        'image_topic': LaunchArgument(
            'image',
            'Topic of the camera images in which the demonstration is grounded, raw or '
            'compressed.',
        ),
        'depth_topic': LaunchArgument(
            'depth',
            'Topic of the depth images that are registered to the camera images, raw or '
            'compressedDepth; without them, results have no points in space.',
        ),
        'camera_info_topic': LaunchArgument(
            'camera_info',
            'Topic of the calibration of the camera; without it, results have no points in space.',
        ),
        'demonstration_topic': LaunchArgument(
            'demonstration',
            'Topic of the images from which demonstrations are recorded; it may be the camera '
            'topic.',
        ),
        'params_file': _params_file('ground', 'node'),
        **{name: _overruling(name) for name in OVERRULING},
        'use_sim_time': LaunchArgument(
            'false',
            'Whether the node uses the time on /clock, for a simulator or a played bag.',
            _BOOLEANS,
        ),
        'autostart': LaunchArgument(
            'true',
            'Whether the node is configured and activated at the start; if not, use ros2 '
            'lifecycle.',
            _BOOLEANS,
        ),
        'respawn': LaunchArgument(
            'true',
            'Whether a node that died or no longer received messages is restarted, and '
            'configured and activated if autostart is true.',
            _BOOLEANS,
        ),
        'log_level': LaunchArgument('info', 'Minimum severity of log messages.', _LEVELS),
        'rviz': LaunchArgument('false', 'Whether RViz is started to show the results.', _BOOLEANS),
        'rviz_config': LaunchArgument(
            str(share_folder() / 'rviz' / 'ground.rviz'), 'Configuration of RViz.'
        ),
        'rviz_frame': LaunchArgument(
            'auto',
            'Fixed frame of RViz; a transform from the frame of the camera images to it must be '
            'published. auto: the frame of the first camera image.',
        ),
    }


def _robot_demo() -> dict[str, LaunchArgument]:
    shared = _shared()
    return {
        'video': LaunchArgument(None, 'Video, folder of images or bag of the demonstration.'),
        'action': LaunchArgument(
            '',
            'Demonstrated action, such as pull; empty: the action that the model finds, and no '
            'motion if it is unknown.',
        ),
        'folder': LaunchArgument(
            '.',
            'Folder that contains the video, possibly in a subfolder; the grounding node reads '
            'no other folder.',
        ),
        'family': LaunchArgument(
            'drawers',
            'Family of the fixture in front of the simulated arm, one of those of `afformer '
            'simulate`.',
        ),
        'scene': LaunchArgument('0', 'Number of the scene, from 0.'),
        'demonstration': LaunchArgument(
            '0',
            'Number of the demonstration for which the scene is prepared, from 0; for example, '
            'a drawer to be pushed is open.',
        ),
        'simulated': LaunchArgument(
            'true',
            'Whether to start the simulated arm and camera; false: start the drivers of your '
            'own arm and camera yourself.',
            _BOOLEANS,
        ),
        'dry_run': LaunchArgument(
            'false', 'Whether the planner only describes the motion of the arm.', _BOOLEANS
        ),
        'planner_params_file': _params_file('planner', 'planner'),
        'robot_params_file': _params_file('sim_robot', 'simulated arm'),
        **{name: shared[name] for name in ('params_file', 'model', 'log_level', 'rviz')},
    }


def _operate() -> dict[str, LaunchArgument]:
    shared = _shared()
    return {
        **{name: shared[name] for name in ('namespace', 'image_topic')},
        'depth_topic': LaunchArgument(
            'depth',
            'Topic of the depth images that correct the pose of a fixed camera; optional.',
        ),
        'camera_info_topic': LaunchArgument(
            'camera_info', 'Topic of the calibration of the camera, for the scale of its images.'
        ),
        'camera_pose_topic': LaunchArgument(
            'camera_pose',
            'Topic of the pose of the camera in the base of the arm; without it, positions are '
            'transformed by tf2.',
        ),
        'joint_states_topic': LaunchArgument(
            'joint_states', 'Topic of the joint states of the arm and its gripper.'
        ),
        'params_file': _params_file('planner', 'planner'),
        **{name: shared[name] for name in ('use_sim_time', 'autostart', 'log_level')},
    }


_FILES: Mapping[str, Callable[[], dict[str, LaunchArgument]]] = {
    'ground': _shared,
    'operate': _operate,
    'robot_demo': _robot_demo,
}
