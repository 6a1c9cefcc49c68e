# SPDX-License-Identifier: Apache-2.0
"""Launch of the grounding node, up to the active state, with RViz on request.

ros2 launch afformer_ros ground.launch.py image_topic:=/camera/image_raw rviz:=true
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction, RegisterEventHandler
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node

from afformer_ros.autostart import Autostart
from afformer_ros.environment import prepare_environment
from afformer_ros.launch_arguments import declared_arguments, overruling_parameters

# Input topics; each is remapped to its argument, which has the suffix _topic.
INPUT_TOPICS = ('image', 'depth', 'camera_info', 'demonstration')
# Topics that RViz shows, by their absolute names.
SHOWN_INPUT_TOPICS = ('image',)
SHOWN_OUTPUT_TOPICS = (
    'overlay',
    'heatmap',
    'mask',
    'affordance_cloud',
    'grasp_candidates',
    'markers',
)
# Seconds before a node that died is restarted.
RESPAWN_DELAY = 2.0


def generate_launch_description() -> LaunchDescription:
    """Compose the launch description."""
    # The default transports of Fast DDS lose most messages of the size of an image.
    transports = OpaqueFunction(function=lambda _: prepare_environment())

    # The executable `rviz` of this package finds the fixed frame and starts RViz.
    rviz = Node(
        condition=IfCondition(LaunchConfiguration('rviz')),
        package='afformer_ros',
        executable='rviz',
        namespace=LaunchConfiguration('namespace'),
        arguments=[
            '--display-config',
            LaunchConfiguration('rviz_config'),
            '--fixed-frame',
            LaunchConfiguration('rviz_frame'),
        ],
        parameters=[{'use_sim_time': LaunchConfiguration('use_sim_time')}],
        remappings=[
            *((f'/{name}', LaunchConfiguration(f'{name}_topic')) for name in SHOWN_INPUT_TOPICS),
            *((f'/{name}', name) for name in SHOWN_OUTPUT_TOPICS),
        ],
        output='screen',
    )

    return LaunchDescription(
        [*declared_arguments('ground'), transports, OpaqueFunction(function=_grounding_node), rviz]
    )


def _grounding_node(context: LaunchContext) -> list[LifecycleNode | RegisterEventHandler]:
    """Create the node, and the events that activate it if `autostart` is true.

    This is a function because an empty argument must not override the parameter file.
    """
    overruling = overruling_parameters(
        lambda name: str(LaunchConfiguration(name).perform(context))
    )
    node = LifecycleNode(
        package='afformer_ros',
        executable='grounding',
        name='grounding',
        namespace=LaunchConfiguration('namespace'),
        parameters=[
            LaunchConfiguration('params_file'),
            {'use_sim_time': LaunchConfiguration('use_sim_time')},
            *([overruling] if overruling else []),
        ],
        remappings=[(name, LaunchConfiguration(f'{name}_topic')) for name in INPUT_TOPICS],
        respawn=IfCondition(LaunchConfiguration('respawn')).evaluate(context),
        respawn_delay=RESPAWN_DELAY,
        ros_arguments=['--log-level', LaunchConfiguration('log_level')],
        output='screen',
    )
    autostart = IfCondition(LaunchConfiguration('autostart'))
    if not autostart.evaluate(context):
        return [node]
    return [node, *Autostart(node).handlers()]
