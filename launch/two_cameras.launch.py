# SPDX-License-Identifier: Apache-2.0
r"""Launch of a grounding node for each of two cameras, each in its own namespace.

ros2 launch afformer_ros two_cameras.launch.py first_namespace:=wrist second_namespace:=head \
    first_image_topic:=/wrist_camera/image_raw second_image_topic:=/head_camera/image_raw
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, ThisLaunchFileDir
from launch_ros.substitutions import FindPackageShare

# Arguments of ground.launch.py that differ between the cameras, here prefixed by first or second.
OF_A_CAMERA = ('namespace', 'image_topic', 'depth_topic', 'camera_info_topic')
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
    share = FindPackageShare('afformer_ros')

    # Arguments
    arguments = [
        *_arguments_of('first', 'left'),
        *_arguments_of('second', 'right'),
        DeclareLaunchArgument(
            'demonstration_topic',
            default_value='/demonstration',
            description='Topic of the images from which demonstrations are recorded. The node '
            'whose start_demonstration is called records them.',
        ),
        DeclareLaunchArgument(
            'params_file',
            default_value=PathJoinSubstitution([share, 'config', 'ground.yaml']),
            description='YAML file with the parameters of both nodes; parameters below '
            '/left/grounding: after those below /**: apply to that node only. With a common '
            'store_folder, each node finds the recordings of the other when it is next '
            'configured, and a recording replaces an earlier one with the same name.',
        ),
        DeclareLaunchArgument(
            'selected_demonstration',
            default_value='',
            description='Stored demonstration that both nodes select at the start; empty: the '
            'value in the parameter file.',
        ),
        DeclareLaunchArgument(
            'target_frame',
            default_value='',
            description='Frame to which tf2 transforms the points of both cameras; empty: the '
            'value in the parameter file, by default the frames of their images.',
        ),
        DeclareLaunchArgument(
            'vertical_frame',
            default_value='',
            description='Frame whose z axis points up, which gives the direction of pick up and '
            'put down; empty: the value in the parameter file, by default target_frame.',
        ),
        DeclareLaunchArgument(
            'use_sim_time',
            default_value='false',
            choices=['true', 'false'],
            description='Whether the node uses the time on /clock, for a simulator or a played '
            'bag.',
        ),
        DeclareLaunchArgument(
            'autostart',
            default_value='true',
            choices=['true', 'false'],
            description='Whether both nodes are configured and activated at the start; if not, '
            'use ros2 lifecycle.',
        ),
        DeclareLaunchArgument(
            'respawn',
            default_value='true',
            choices=['true', 'false'],
            description='Whether a node that died or no longer received messages is restarted.',
        ),
        DeclareLaunchArgument(
            'log_level',
            default_value='info',
            choices=['debug', 'info', 'warn', 'error', 'fatal'],
            description='Minimum severity of log messages of the nodes.',
        ),
        DeclareLaunchArgument(
            'rviz',
            default_value='false',
            choices=['true', 'false'],
            description='Whether RViz is started for each camera to show its results.',
        ),
        DeclareLaunchArgument(
            'rviz_frame',
            default_value='auto',
            description='Fixed frame of RViz; transforms from the frames of both cameras to it '
            'must be published. auto: the frame of the images of each camera.',
        ),
    ]

    return LaunchDescription([*arguments, _camera('first'), _camera('second')])


def _arguments_of(camera: str, namespace: str) -> list[DeclareLaunchArgument]:
    return [
        DeclareLaunchArgument(
            f'{camera}_namespace',
            default_value=namespace,
            description=f'Namespace of the node of the {camera} camera, and of each of its '
            f'topics whose name does not start with a slash.',
        ),
        DeclareLaunchArgument(
            f'{camera}_image_topic',
            default_value='image',
            description=f'Topic of the images of the {camera} camera, raw or compressed.',
        ),
        DeclareLaunchArgument(
            f'{camera}_depth_topic',
            default_value='depth',
            description=f'Topic of the depth images of the {camera} camera, raw or '
            'compressedDepth; without them, its results have no points in space.',
        ),
        DeclareLaunchArgument(
            f'{camera}_camera_info_topic',
            default_value='camera_info',
            description=f'Topic of the calibration of the {camera} camera; without it, its '
            f'results have no points in space.',
        ),
    ]


def _camera(camera: str) -> GroupAction:
    ground = IncludeLaunchDescription(
        PythonLaunchDescriptionSource([ThisLaunchFileDir(), '/ground.launch.py']),
        launch_arguments=[
            *((name, LaunchConfiguration(f'{camera}_{name}')) for name in OF_A_CAMERA),
            *((name, LaunchConfiguration(name)) for name in OF_BOTH),
        ],
    )
    return GroupAction([ground])
