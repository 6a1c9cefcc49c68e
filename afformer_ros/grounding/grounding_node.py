# SPDX-License-Identifier: Apache-2.0
"""The managed node `grounding`: grounds a demonstration in the newest camera image."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from afformer_ros.grounding.actions.action_endpoint import ActionEndpoint
from afformer_ros.grounding.actions.ground_goal import GoalOutcome
from afformer_ros.grounding.configured_grounding import ConfiguredGrounding
from afformer_ros.grounding.parameters import GroundingParameters, QosParameters
from afformer_ros.interfaces import ACTIONS
from afformer_ros.manager_bond import ManagerBond, installed_bond_type
from afformer_ros.parameter_fields import (
    constraints_of,
    declare_parameters,
    read_parameters,
    validate_change,
)
from afformer_ros.process import release_what_is_left
from afformer_ros.transport_watch import SharedMemoryPorts, TransportWatch

# Lifecycle managers wait five seconds for a transition; a model that takes longer continues to
# load.
_LOADING_PATIENCE = 3.0
_STOPPING_PATIENCE = 1.5


class GroundingNode(LifecycleNode):
    """A node that grounds the selected demonstration in the newest camera images.

    Subscribes to `image`, `depth`, `camera_info`, `demonstration` and
    `demonstration_frame_mouse_left`; publishes `affordance`, `grasp_candidates`,
    `affordance_cloud`, `heatmap`, `mask`, `overlay`, `markers`, `demonstration_status`,
    `demonstration_frame` and `/diagnostics`; offers `~/start_demonstration`,
    `~/finish_demonstration`, `~/load_demonstration`, `~/select_demonstration`,
    `~/list_demonstrations`, `~/delete_demonstration`, `~/get_demonstration_frame` and
    `~/mark_contact`. All of these exist after its configuration; images are grounded and
    demonstrations recorded while it is active. The actions `~/ground_demonstration`,
    `~/record_demonstration` and `~/load_demonstration` always exist, so that every goal receives a
    result with a reason. While it is active, it maintains a bond with a lifecycle manager on
    `bond`.

    Args:
        priority_lock: priority lock of results over callbacks; None: callbacks do not yield.
        give_up: called when messages permanently no longer reach the process.
        options: options of `LifecycleNode`.

    Raises:
        rclpy.exceptions.InvalidParameterValueException: an initial parameter is out of range.
    """

    def __init__(
        self,
        priority_lock: threading.Lock | None = None,
        give_up: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> None:
        super().__init__('grounding', **options)
        self._priority_lock = priority_lock or threading.Lock()
        self._configured: ConfiguredGrounding | None = None
        self._bond = ManagerBond(self, installed_bond_type())
        self._declared = False
        self.add_on_set_parameters_callback(self._validate_parameters)
        declare_parameters(self, GroundingParameters)
        declare_parameters(self, QosParameters)
        # A value that is valid by itself may contradict another parameter.
        read_parameters(self, GroundingParameters)
        self._declared = True
        outcomes = {'ground_demonstration': (GoalOutcome.STOPPED, GoalOutcome.REFUSED)}
        self._actions = {
            name: ActionEndpoint(
                self, kind, name, *({'outcome': outcome} for outcome in outcomes.get(name, ()))
            )
            for name, kind in ACTIONS.items()
        }
        self._transport = TransportWatch(self, give_up, SharedMemoryPorts())

    def close(self) -> bool:
        """Drop the configuration; return whether its thread ended."""
        self._bond.close()
        configured, self._configured = self._configured, None
        return configured is None or configured.close(_STOPPING_PATIENCE)

    def destroy_node(self) -> None:
        """Remove the node."""
        self._transport.destroy()
        for action in self._actions.values():
            action.destroy()
        super().destroy_node()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the model and the topics; a long loading continues in the background."""
        try:
            self._configured = ConfiguredGrounding(
                self,
                read_parameters(self, GroundingParameters),
                read_parameters(self, QosParameters),
                self._priority_lock,
                self._actions,
                self._transport,
            )
            error = self._configured.loading_error(_LOADING_PATIENCE)
        # rclpy would turn it into an error without a message.
        except Exception as failure:  # noqa: BLE001
            error = f'{type(failure).__name__}: {failure}'
        if error:
            self.get_logger().error(f'the node cannot be configured: {error}')
            self.close()
            return TransitionCallbackReturn.FAILURE
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to ground images."""
        configured = self._configured
        error = 'it is not configured'
        if configured is not None:
            error = configured.loading_error(_LOADING_PATIENCE)
        if configured is None or error:
            self.get_logger().error(f'the node cannot be activated: {error}')
            return TransitionCallbackReturn.FAILURE
        result = super().on_activate(state)
        configured.activate()
        self._bond.form()
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop grounding, and drop an unfinished recording."""
        self._bond.close()
        if self._configured is not None:
            self._configured.deactivate()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close the model and the topics."""
        result = super().on_cleanup(state)
        self.close()
        release_what_is_left()
        return result

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close the model and the topics, in any state."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close everything, so that the node can be configured again."""
        self.get_logger().error('a transition failed; the node is unconfigured now')
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def _validate_parameters(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        constraints = {**constraints_of(GroundingParameters), **constraints_of(QosParameters)}
        configured = self._configured is not None
        result = validate_change(constraints, parameters, configured=configured)
        if not result.successful or not self._declared:
            return result
        known = constraints_of(GroundingParameters)
        changes = {
            parameter.name: parameter.value for parameter in parameters if parameter.name in known
        }
        try:
            read_parameters(self, GroundingParameters, changes)
        except (TypeError, ValueError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        return result
