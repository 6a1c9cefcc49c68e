# SPDX-License-Identifier: Apache-2.0
"""Launch of the grounding node, up to the active state, with RViz on request.

ros2 launch afformer_ros ground.launch.py image_topic:=/camera/image_raw rviz:=true
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from afformer_ros.autostart import Autostart
from afformer_ros.environment import prepare_environment

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
# Arguments that override the parameter of the same name in the parameter file, unless empty, and
# their types.
OVERRULING = {
    'model': str,
    'backend': str,
    'precision': str,
    'wait_for_engine': bool,
    'threads': int,
    'maximum_stages': int,
    'lazy': bool,
    'minimum_presence': float,
    'selected_demonstration': str,
    'store_folder': str,
    'target_frame': str,
    'vertical_frame': str,
}
# The same for lists of strings, and their separator.
LISTS = ('demonstration_folders',)
SEPARATOR = ':'
# Seconds before a node that died is restarted.
RESPAWN_DELAY = 2.0


def generate_launch_description() -> LaunchDescription:
    """Compose the launch description."""
    share = FindPackageShare('afformer_ros')

    # Arguments
    arguments = [
        DeclareLaunchArgument(
            'namespace',
            default_value='',
            description='Namespace of the node and of every topic whose name does not start '
            'with a slash.',
        ),
        DeclareLaunchArgument(
            'image_topic',
            default_value='image',
            description='Topic of the camera images in which the demonstration is grounded, '
            'raw or compressed.',
        ),
        DeclareLaunchArgument(
            'depth_topic',
            default_value='depth',
            description='Topic of the depth images that are registered to the camera images, raw '
            'or compressedDepth; without them, results have no points in space.',
        ),
        DeclareLaunchArgument(
            'camera_info_topic',
            default_value='camera_info',
            description='Topic of the calibration of the camera; without it, results have no '
            'points in space.',
        ),
        DeclareLaunchArgument(
            'demonstration_topic',
            default_value='demonstration',
            description='Topic of the images from which demonstrations are recorded; it may be '
            'the camera topic.',
        ),
        DeclareLaunchArgument(
            'params_file',
            default_value=PathJoinSubstitution([share, 'config', 'ground.yaml']),
            description='YAML file with all parameters of the node.',
        ),
        DeclareLaunchArgument(
            'model',
            default_value='',
            description='Folder of the model; empty: the value in the parameter file, by '
            'default the shipped model.',
        ),
        DeclareLaunchArgument(
            'backend',
            default_value='',
            choices=[
                '',
                'auto',
                'torch',
                'onnxruntime',
                'openvino',
                'torch-cuda',
                'onnxruntime-cuda',
                'tensorrt',
            ],
            description='Backend that computes the model; empty: the value in the parameter file.',
        ),
        DeclareLaunchArgument(
            'precision',
            default_value='',
            choices=['', 'auto', 'fp32', 'fp16', 'bf16'],
            description='Precision of the model; empty: the value in the parameter file.',
        ),
        DeclareLaunchArgument(
            'wait_for_engine',
            default_value='',
            choices=['', 'true', 'false'],
            description='Whether grounding waits until the engines of tensorrt are compiled; '
            'empty: the value in the parameter file.',
        ),
        DeclareLaunchArgument(
            'threads',
            default_value='',
            description='Number of threads, 0 to let the backend choose; empty: the value in '
            'the parameter file.',
        ),
        DeclareLaunchArgument(
            'maximum_stages',
            default_value='',
            description='Maximum number of zoom stages of an image, 1 for the fastest answer; '
            'empty: the value in the parameter file.',
        ),
        DeclareLaunchArgument(
            'lazy',
            default_value='',
            choices=['', 'true', 'false'],
            description='Whether images are ignored while no result has a subscriber; empty: '
            'the value in the parameter file.',
        ),
        DeclareLaunchArgument(
            'minimum_presence',
            default_value='',
            description='Minimum presence at which something is found, -1.0 for the threshold '
            'of the model; empty: the value in the parameter file.',
        ),
        DeclareLaunchArgument(
            'store_folder',
            default_value='',
            description='Folder of finished demonstrations; empty: the value in the parameter '
            'file.',
        ),
        DeclareLaunchArgument(
            'demonstration_folders',
            default_value='',
            description='Folders below which load_demonstration may read, separated by colons; '
            'empty: the value in the parameter file, by default no folder.',
        ),
        DeclareLaunchArgument(
            'selected_demonstration',
            default_value='',
            description='Stored demonstration to select at the start; empty: the value in the '
            'parameter file.',
        ),
        DeclareLaunchArgument(
            'target_frame',
            default_value='',
            description='Frame to which tf2 transforms points in space; empty: the value in the '
            'parameter file, by default the frame of the camera images.',
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
            description='Whether the node is configured and activated at the start; if not, use '
            'ros2 lifecycle.',
        ),
        DeclareLaunchArgument(
            'respawn',
            default_value='true',
            choices=['true', 'false'],
            description='Whether a node that died or no longer received messages is restarted, '
            'and configured and activated if autostart is true.',
        ),
        DeclareLaunchArgument(
            'log_level',
            default_value='info',
            choices=['debug', 'info', 'warn', 'error', 'fatal'],
            description='Minimum severity of log messages of the node.',
        ),
        DeclareLaunchArgument(
            'rviz',
            default_value='false',
            choices=['true', 'false'],
            description='Whether RViz is started to show the results.',
        ),
        DeclareLaunchArgument(
            'rviz_config',
            default_value=PathJoinSubstitution([share, 'rviz', 'ground.rviz']),
            description='Configuration of RViz.',
        ),
        DeclareLaunchArgument(
            'rviz_frame',
            default_value='auto',
            description='Fixed frame of RViz; a transform from the frame of the camera images '
            'to it must be published. auto: the frame of the first camera image.',
        ),
    ]

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
        [*arguments, transports, OpaqueFunction(function=_grounding_node), rviz]
    )


def _grounding_node(context: LaunchContext) -> list[LifecycleNode | RegisterEventHandler]:
    """Create the node, and the events that activate it if `autostart` is true.

    This is a function because an empty argument must not override the parameter file.
    """
    given = [name for name in OVERRULING if LaunchConfiguration(name).perform(context)]
    lists = {name: LaunchConfiguration(name).perform(context).split(SEPARATOR) for name in LISTS}
    node = LifecycleNode(
        package='afformer_ros',
        executable='grounding',
        name='grounding',
        namespace=LaunchConfiguration('namespace'),
        parameters=[
            LaunchConfiguration('params_file'),
            {'use_sim_time': LaunchConfiguration('use_sim_time')},
            {
                **{
                    name: ParameterValue(LaunchConfiguration(name), value_type=OVERRULING[name])
                    for name in given
                },
                **{name: texts for name, texts in lists.items() if any(texts)},
            },
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
