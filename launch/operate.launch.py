# SPDX-License-Identifier: Apache-2.0
"""Launch of the planner, which serves the action `operate_element` with the arm's own drivers.

ros2 launch afformer_ros operate.launch.py image_topic:=/camera/image_raw params_file:=my_arm.yaml
"""

from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from afformer_ros.launch_arguments import declared_arguments

# Input topics; each is remapped to its argument, which has the suffix _topic.
INPUT_TOPICS = ('image', 'depth', 'camera_info', 'camera_pose', 'joint_states')


def generate_launch_description() -> LaunchDescription:
    """Compose the launch description."""
    planner = Node(
        package='afformer_ros',
        executable='planner',
        name='planner',
        namespace=LaunchConfiguration('namespace'),
        parameters=[
            LaunchConfiguration('params_file'),
            {
                'serve': True,
                'autostart': LaunchConfiguration('autostart'),
                'use_sim_time': LaunchConfiguration('use_sim_time'),
            },
        ],
        remappings=[(name, LaunchConfiguration(f'{name}_topic')) for name in INPUT_TOPICS],
        ros_arguments=['--log-level', LaunchConfiguration('log_level')],
        output='screen',
    )
    return LaunchDescription([*declared_arguments('operate'), planner])
