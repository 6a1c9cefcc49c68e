# SPDX-License-Identifier: Apache-2.0
r"""Launch of a grounding node for each of two cameras, each in its own namespace.

ros2 launch afformer_ros two_cameras.launch.py first_namespace:=wrist second_namespace:=head \
    first_image_topic:=/wrist_camera/image_raw second_image_topic:=/head_camera/image_raw
"""

from launch import LaunchDescription
from launch.actions import GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, ThisLaunchFileDir

from afformer_ros.launch_arguments import CAMERAS, OF_A_CAMERA, declared_arguments

# Arguments of ground.launch.py that are the same for both.
OF_BOTH = (
    'demonstration_topic',
    'params_file',
    'selected_demonstration',
    'target_frame',
    'vertical_frame',
    'use_sim_time',
    'autostart',
    'respawn',
    'log_level',
    'rviz',
    'rviz_frame',
)


def generate_launch_description() -> LaunchDescription:
    """Compose the launch description."""
    cameras = [_camera(camera) for camera in CAMERAS]
    return LaunchDescription([*declared_arguments('two_cameras'), *cameras])


def _camera(camera: str) -> GroupAction:
    ground = IncludeLaunchDescription(
        PythonLaunchDescriptionSource([ThisLaunchFileDir(), '/ground.launch.py']),
        launch_arguments=[
            *((name, LaunchConfiguration(f'{camera}_{name}')) for name in OF_A_CAMERA),
            *((name, LaunchConfiguration(name)) for name in OF_BOTH),
        ],
    )
    return GroupAction([ground])
