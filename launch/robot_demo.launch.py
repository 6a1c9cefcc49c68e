# SPDX-License-Identifier: Apache-2.0
"""Launch of a simulated arm that repeats a demonstration: driver, grounding node and planner.

ros2 launch afformer_ros robot_demo.launch.py video:=pull.mp4 action:=pull family:=drawers
"""

import atexit
import shutil
import tempfile

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    EmitEvent,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.conditions import IfCondition
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, ThisLaunchFileDir
from launch_ros.actions import Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.parameter_descriptions import ParameterValue

from afformer_ros.environment import prepare_environment
from afformer_ros.launch_arguments import declared_arguments

# Arguments of ground.launch.py that are the same here.
PASSED_ON = ('params_file', 'model', 'log_level', 'rviz')
# Parameters of the simulated robot that are arguments here.
SIMULATED = ('scene', 'demonstration')
# Name of the folder of demonstrations among the launch configurations.
STORE = 'robot_demo_store'


def generate_launch_description() -> LaunchDescription:
    """Compose the launch description."""
    # The default transports of Fast DDS lose most messages of the size of an image.
    transports = OpaqueFunction(function=lambda _: prepare_environment())

    # Robot
    logging = ['--ros-args', '--log-level', LaunchConfiguration('log_level')]
    robot = Node(
        package='afformer_ros',
        executable='sim_robot',
        parameters=[
            LaunchConfiguration('robot_params_file'),
            {
                'families': ParameterValue(
                    ['[', LaunchConfiguration('family'), ']'], value_type=list[str]
                ),
                **{
                    name: ParameterValue(LaunchConfiguration(name), value_type=int)
                    for name in SIMULATED
                },
            },
        ],
        arguments=logging,
        output='screen',
        condition=IfCondition(LaunchConfiguration('simulated')),
    )

    # Frames of the arm for RViz.
    frames = OpaqueFunction(function=_frames)

    # The video must not be stored or selected in the store of other launches.
    store = OpaqueFunction(function=_make_store)

    # The grounding node, which may read the folder of the video.
    ground = IncludeLaunchDescription(
        PythonLaunchDescriptionSource([ThisLaunchFileDir(), '/ground.launch.py']),
        launch_arguments=[
            ('use_sim_time', LaunchConfiguration('simulated')),
            ('demonstration_folders', LaunchConfiguration('folder')),
            ('store_folder', LaunchConfiguration(STORE)),
            *((name, LaunchConfiguration(name)) for name in PASSED_ON),
        ],
    )

    # The planner, started after the grounding node.
    planner = Node(
        package='afformer_ros',
        executable='planner',
        parameters=[
            LaunchConfiguration('planner_params_file'),
            {
                'video': LaunchConfiguration('video'),
                'action': ParameterValue(LaunchConfiguration('action'), value_type=str),
                'dry_run': ParameterValue(LaunchConfiguration('dry_run'), value_type=bool),
                'use_sim_time': ParameterValue(LaunchConfiguration('simulated'), value_type=bool),
                'compliant': ParameterValue(LaunchConfiguration('simulated'), value_type=bool),
                'accept_not_visible': True,
            },
        ],
        arguments=logging,
        output='screen',
    )
    plan_once_active = RegisterEventHandler(
        OnStateTransition(
            start_state='activating', goal_state='active', entities=[planner], handle_once=True
        )
    )
    end_with_the_planner = RegisterEventHandler(
        OnProcessExit(
            target_action=planner, on_exit=[EmitEvent(event=Shutdown(reason='it has acted'))]
        )
    )

    return LaunchDescription(
        [
            *declared_arguments('robot_demo'),
            transports,
            plan_once_active,
            end_with_the_planner,
            robot,
            frames,
            store,
            ground,
        ]
    )


def _make_store(context: LaunchContext) -> None:
    """Create a folder for demonstrations, which is deleted when the launch ends."""
    folder = tempfile.mkdtemp(prefix='afformer_robot_demo_')
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    context.launch_configurations[STORE] = folder


def _frames(context: LaunchContext) -> list[Node]:
    """Create the publisher of the simulated arm's frames, if RViz shows them."""
    shown = [LaunchConfiguration(name).perform(context) for name in ('simulated', 'rviz')]
    if shown != ['true', 'true']:
        return []
    # Only the simulated arm needs MuJoCo.
    from afformer_sim.arm.robot_description import robot_description

    description = ParameterValue(robot_description(), value_type=str)
    return [
        Node(
            package='robot_state_publisher',
            executable='robot_state_publisher',
            parameters=[{'robot_description': description, 'use_sim_time': True}],
        )
    ]
