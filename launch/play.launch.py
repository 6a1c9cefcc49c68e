# SPDX-License-Identifier: Apache-2.0
"""Launch of the player, which publishes a video, an image or a folder of images as a camera.

ros2 launch afformer_ros play.launch.py path:=demonstration.mp4 image_topic:=demonstration
"""

from launch import LaunchDescription
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from afformer_ros.environment import prepare_environment
from afformer_ros.launch_arguments import declared_arguments
from afformer_ros.parameter_fields import defaults_of
from afformer_ros.player.player_parameters import PlayerParameters


def generate_launch_description() -> LaunchDescription:
    """Compose the launch description."""
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
                'use_sim_time': LaunchConfiguration('use_sim_time'),
                **{
                    name: ParameterValue(LaunchConfiguration(name), value_type=type(default))
                    for name, default in defaults_of(PlayerParameters).items()
                },
            }
        ],
        remappings=[('image', LaunchConfiguration('image_topic'))],
        ros_arguments=['--log-level', LaunchConfiguration('log_level')],
        output='screen',
    )

    return LaunchDescription([*declared_arguments('play'), transports, player])
