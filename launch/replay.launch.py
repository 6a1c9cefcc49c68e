# SPDX-License-Identifier: Apache-2.0
r"""Launch of the grounding node on a rosbag2, from its activation to the end of the bag.

ros2 launch afformer_ros replay.launch.py bag:=kitchen demonstration:=press \
    image_topic:=/camera/image_raw record:=kitchen_grounded
"""

import re
from collections.abc import Callable

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, ThisLaunchFileDir
from launch_ros.actions import LifecycleNode
from launch_ros.event_handlers import OnStateTransition

from afformer_ros.environment import prepare_environment
from afformer_ros.launch_arguments import declared_arguments

INPUT_TOPICS = ('image', 'depth', 'camera_info')
OUTPUT_TOPICS = (
    'affordance',
    'grasp_candidates',
    'affordance_cloud',
    'heatmap',
    'mask',
    'overlay',
    'markers',
    'demonstration_status',
)
# Arguments of ground.launch.py that are the same here.
PASSED_ON = (
    'namespace',
    'image_topic',
    'depth_topic',
    'camera_info_topic',
    'params_file',
    'target_frame',
    'vertical_frame',
    'log_level',
    'rviz',
    'rviz_frame',
)
# Messages per second on /clock, which limit the resolution of ages and latencies.
CLOCK_RATE = '200'
# Seconds for the node to find the publishers of the bag before the first message.
DISCOVERY = '3'
# Seconds for the last images to be grounded and recorded.
LAST_RESULTS = 2.0


def generate_launch_description() -> LaunchDescription:
    """Compose the launch description."""
    # The default transports of Fast DDS lose most messages of the size of an image.
    transports = OpaqueFunction(function=lambda _: prepare_environment())

    # Node
    ground = IncludeLaunchDescription(
        PythonLaunchDescriptionSource([ThisLaunchFileDir(), '/ground.launch.py']),
        launch_arguments=[
            ('selected_demonstration', LaunchConfiguration('demonstration')),
            ('use_sim_time', 'true'),
            *((name, LaunchConfiguration(name)) for name in PASSED_ON),
        ],
    )

    # Shut down if the node fails before the bag is played.
    not_configured = RegisterEventHandler(
        OnStateTransition(
            start_state='configuring',
            goal_state='unconfigured',
            entities=_end('there is no node to play to'),
        )
    )
    not_activated = RegisterEventHandler(
        OnStateTransition(
            start_state='activating',
            goal_state='inactive',
            entities=_end('grounding could not be activated; its own message says why'),
        )
    )
    died = RegisterEventHandler(
        OnProcessExit(
            target_action=lambda action: isinstance(action, LifecycleNode),
            on_exit=_end_unless_ending('grounding has ended'),
        )
    )

    # Bag
    bag = OpaqueFunction(function=_bag)

    return LaunchDescription(
        [
            *declared_arguments('replay'),
            transports,
            not_configured,
            not_activated,
            died,
            bag,
            ground,
        ]
    )


def _bag(context: LaunchContext) -> list[ExecuteProcess | RegisterEventHandler]:
    """Create the player, started once the node is active, and the recorder on request.

    This is a function because the topics on the command line need the namespace as a prefix.
    """
    bag, record, rate, others = (
        LaunchConfiguration(name).perform(context)
        for name in ('bag', 'record', 'rate', 'other_topics')
    )
    played = [
        *(
            _topic(context, LaunchConfiguration(f'{name}_topic').perform(context))
            for name in INPUT_TOPICS
        ),
        *others.split(),
    ]
    play = ExecuteProcess(
        name='play',
        cmd=[
            *('ros2', 'bag', 'play', bag),
            *('--rate', rate),
            *('--clock', CLOCK_RATE),
            *('--delay', DISCOVERY),
            '--disable-keyboard-controls',
            *('--topics', *played),
        ],
        output='screen',
    )
    play_once_active = RegisterEventHandler(
        OnStateTransition(
            start_state='activating', goal_state='active', entities=[play], handle_once=True
        )
    )
    end_with_the_bag = RegisterEventHandler(OnProcessExit(target_action=play, on_exit=_played))
    actions = [play_once_active, end_with_the_bag]
    if record:
        results = [_topic(context, name) for name in OUTPUT_TOPICS]
        # The options for a list of topics differ between distributions; the option for a pattern
        # does not.
        pattern = '|'.join(re.escape(topic) for topic in [*played, *results, '/diagnostics'])
        recording = ExecuteProcess(
            name='record',
            cmd=['ros2', 'bag', 'record', '--use-sim-time']
            + ['--output', record, '--regex', f'^({pattern})$'],
            output='screen',
        )
        end_without_recording = RegisterEventHandler(
            OnProcessExit(
                target_action=recording,
                on_exit=_end_unless_ending('nothing is recorded; the message above says why'),
            )
        )
        actions += [recording, end_without_recording]
    return actions


def _topic(context: LaunchContext, name: str) -> str:
    """Return the absolute name of a topic."""
    namespace = LaunchConfiguration('namespace').perform(context).strip('/')
    return name if name.startswith('/') else '/'.join(['', namespace, name]).replace('//', '/')


def _played(event: ProcessExited, context: LaunchContext) -> list[TimerAction]:
    reason = 'the bag has ended'
    if event.returncode:
        reason = 'the bag could not be played; the message above says why'
    if context.is_shutdown:
        return []
    return [TimerAction(period=LAST_RESULTS, actions=_end(reason))]


def _end_unless_ending(
    reason: str,
) -> Callable[[ProcessExited, LaunchContext], list[LogInfo | EmitEvent]]:
    """Shut down when a process ends without a request."""
    return lambda _, context: [] if context.is_shutdown else _end(reason)


def _end(reason: str) -> list[LogInfo | EmitEvent]:
    return [LogInfo(msg=reason), EmitEvent(event=Shutdown(reason=reason))]
