# SPDX-License-Identifier: Apache-2.0
"""Launch of the player, which publishes a video, an image or a folder of images as a camera.

ros2 launch afformer_ros play.launch.py path:=demonstration.mp4 image_topic:=demonstration
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from afformer_ros.environment import prepare_environment

# Parameters of the node that are arguments here, and their types.
PARAMETERS = {
    'path': str,
    'rate': float,
    'loop': bool,
    'start_delay': float,
    'wait_for_subscribers': int,
    'frame_id': str,
    'transport': str,
    'reliability': str,
    'use_sim_time': bool,
}


def generate_launch_description() -> LaunchDescription:
    """Compose the launch description."""
    # Arguments
    arguments = [
        DeclareLaunchArgument(
            'path',
            description='Video, image or folder of images to publish.',
        ),
        DeclareLaunchArgument(
            'image_topic',
            default_value='image',
            description='Topic on which to publish.',
        ),
        DeclareLaunchArgument(
            'namespace',
            default_value='',
            description='Namespace of the node and of the topic unless its name starts with a '
            'slash.',
        ),
        DeclareLaunchArgument(
            'node_name',
            default_value='player',
            description='Name of the node; two players in one namespace need two names.',
        ),
        DeclareLaunchArgument(
            'rate',
            default_value='0.0',
            description='Frames per second; 0: the rate of the video, or 10 for images.',
        ),
        DeclareLaunchArgument(
            'loop',
            default_value='false',
            choices=['true', 'false'],
            description='Whether to repeat after the last frame.',
        ),
        DeclareLaunchArgument(
            'start_delay',
            default_value='0.0',
            description='Seconds to wait before the first frame.',
        ),
        DeclareLaunchArgument(
            'wait_for_subscribers',
            default_value='0',
            description='Number of subscribers to wait for before the first frame.',
        ),
        DeclareLaunchArgument(
            'frame_id',
            default_value='camera',
            description='Coordinate frame in the headers of the images.',
        ),
        DeclareLaunchArgument(
            'transport',
            default_value='raw',
            choices=['raw', 'compressed'],
            description='Whether raw or JPEG-compressed messages are published.',
        ),
        DeclareLaunchArgument(
            'reliability',
            default_value='reliable',
            choices=['reliable', 'best_effort'],
            description='Reliability offered to subscribers.',
        ),
        DeclareLaunchArgument(
            'use_sim_time',
            default_value='false',
            choices=['true', 'false'],
            description='Whether the node uses the time on /clock, for a simulator.',
        ),
        DeclareLaunchArgument(
            'log_level',
            default_value='info',
            choices=['debug', 'info', 'warn', 'error', 'fatal'],
            description='Minimum severity of log messages of the node.',
        ),
    ]

    # The default transports of Fast DDS lose most messages of the size of an image.
    transports = OpaqueFunction(function=lambda _: prepare_environment())

    # Player
    player = Node(
        package='afformer_ros',
        executable='player',
        name=LaunchConfiguration('node_name'),
        namespace=LaunchConfiguration('namespace'),
        parameters=[
            {
                name: ParameterValue(LaunchConfiguration(name), value_type=kind)
                for name, kind in PARAMETERS.items()
            }
        ],
        remappings=[('image', LaunchConfiguration('image_topic'))],
        ros_arguments=['--log-level', LaunchConfiguration('log_level')],
        output='screen',
    )

    return LaunchDescription([*arguments, transports, player])
