# SPDX-License-Identifier: Apache-2.0
"""The node `planner`, which grounds demonstrations, moves the arm, and checks the result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.action import ActionClient
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.lifecycle.node import LifecycleNodeMixin
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from afformer_core.errors import AfformerError
from afformer_ros.action import OperateElement
from afformer_ros.grounding.actions.action_endpoint import ActionEndpoint
from afformer_ros.grounding.grounding_diagnostics import ComponentStatus, GroundingDiagnostics
from afformer_ros.manager_bond import ManagerBond, installed_bond_type
from afformer_ros.parameter_fields import (
    constraints_of,
    declare_parameters,
    read_parameters,
    validate_change,
)
from afformer_ros.planner.element_operator import ElementOperator
from afformer_ros.planner.operate_action import NAME, OperateAction, Operation
from afformer_ros.planner.parameters import PlannerParameters
from afformer_ros.planner.waiting import Waiting

_REFUSED = {'outcome': OperateElement.Result.REFUSED}
_INACTIVE = 'the planner is inactive. Activate it'
_DIAGNOSTICS_PERIOD = 1.0
# Kinds of entities of a node; timers first, because some create subscriptions.
_ENTITIES = ('timer', 'subscription', 'publisher', 'client')


class PlannerNode(LifecycleNodeMixin, Node):
    """A node that repeats demonstrations; callbacks must run in another thread than `repeat`.

    With the parameter `serve`, it is a managed node, which repeats them for the goals of the
    action `~/operate_element` while it is active, and refuses goals with a reason before; an
    executor that runs services in other threads must spin it. It publishes `/diagnostics`.

    Args:
        finished: event that ends every wait.
        options: options of `rclpy.node.Node`.

    Raises:
        AfformerError: the model of the arm cannot be read.
        ValueError: a parameter violates a rule.
    """

    def __init__(self, finished: threading.Event, **options: Any) -> None:
        Node.__init__(self, 'planner', **options)
        declare_parameters(self, PlannerParameters)
        settings = read_parameters(self, PlannerParameters)
        # In the group of the node, transitions and motions would keep the joint states out.
        transitions, motions = MutuallyExclusiveCallbackGroup(), MutuallyExclusiveCallbackGroup()
        LifecycleNodeMixin.__init__(
            self, enable_communication_interface=settings.serve, callback_group=transitions
        )
        self._finished = finished
        self._settings = settings
        self._operator: ElementOperator | None = None
        self._action: OperateAction | None = None
        self._bond = ManagerBond(self, installed_bond_type())
        self._active = False
        self._problem = ''
        if not settings.serve:
            self._open()
            return
        self._endpoint = ActionEndpoint(self, OperateElement, NAME, _REFUSED, _REFUSED)
        for name in ('retract', 'release'):
            self.create_service(
                Trigger, f'~/{name}', partial(self._move, name), callback_group=motions
            )
        self._diagnostics = GroundingDiagnostics(self, _DIAGNOSTICS_PERIOD, self._statuses)
        self._kept = self._entities()
        self.add_on_set_parameters_callback(self._validate_parameters)
        if settings.autostart:
            for transition in (self.trigger_configure, self.trigger_activate):
                if transition() != TransitionCallbackReturn.SUCCESS:
                    raise AfformerError(self._problem)

    @property
    def serves(self) -> bool:
        """Whether the node offers the action `~/operate_element`."""
        return self._settings.serve

    @property
    def operator(self) -> ElementOperator:
        """What looks and acts.

        Raises:
            AfformerError: the planner is not configured.
        """
        if self._operator is None:
            raise AfformerError('the planner is not configured. Configure it')
        return self._operator

    def close(self) -> bool:
        """End every wait; return whether the open goals, if any, have ended."""
        self._finished.set()
        ended = self._deactivate('the planner was stopped')
        return (self._operator is None or self._operator.grounding.close()) and ended

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the model of the arm, and the clients of arm, camera and grounding node."""
        try:
            self._open()
        # rclpy would turn it into an error without a message.
        except Exception as error:  # noqa: BLE001
            known = isinstance(error, (AfformerError, ValueError))
            self._problem = str(error) if known else f'{type(error).__name__}: {error}'
            self.get_logger().error(f'the planner cannot be configured: {self._problem}')
            self._forget()
            return TransitionCallbackReturn.FAILURE
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take goals."""
        assert self._action is not None
        self._action.open()
        self._active = True
        self._bond.form()
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Halt the arm, end the open goal, and refuse later ones."""
        if not self._deactivate('the planner was deactivated'):
            self.get_logger().error('the planner stays active: its arm does not come to rest')
            return TransitionCallbackReturn.FAILURE
        self._endpoint.detach(_INACTIVE)
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close the clients and the model of the arm."""
        self._forget()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Halt the arm and close everything, in any state."""
        self._deactivate('the planner was shut down')
        self._forget()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Close everything, so that the planner can be configured again."""
        self.get_logger().error('a transition failed; the planner is unconfigured now')
        return self.on_shutdown(state)

    def repeat(self) -> tuple[str, bool]:
        """Load the video or select the demonstrations of the parameters, and repeat them once.

        Returns:
            one line for a person, and whether the arm succeeded, or would act.

        Raises:
            AfformerError: the arm has not acted; the reason.
        """
        settings = self._settings
        if settings.video:
            self.operator.grounding.load(settings.video)
        names = settings.demonstrations.split('+') if settings.demonstrations else []
        if settings.dry_run:
            contact = self.operator.find(names, '')[0]
            return f'would {contact} in {settings.base_frame}', True
        ended = Operation(self.operator, self._report).run(names, '', 1)
        if not ended.attempts:
            raise AfformerError(ended.message)
        contact = ended.attempts[-1].attempt.contact
        succeeded = ended.succeeded(accept_not_visible=settings.accept_not_visible)
        return f'{contact} in {settings.base_frame}: {ended.message}', succeeded

    def _open(self) -> None:
        """Create what the configured planner consists of."""
        self._settings = settings = read_parameters(self, PlannerParameters)
        waiting = Waiting(self.get_clock(), self._finished, settings.clock_patience)
        self._operator = operator = ElementOperator(self, settings, waiting)
        if settings.serve:
            self._endpoint.detach(_INACTIVE)
            self._action = OperateAction(self, self._endpoint, operator, waiting, settings)

    def _deactivate(self, reason: str) -> bool:
        """Stop taking goals; return whether the arm is left alone."""
        if self._action is not None and self._active and not self._action.close(reason):
            return False
        self._active = False
        self._bond.close()
        return True

    def _forget(self) -> None:
        """Destroy what `_open` has created, also if it has failed."""
        if self._operator is not None:
            self._operator.grounding.close()
        self._operator = self._action = None
        self._endpoint.detach()
        for kind in _ENTITIES:
            destroy: Callable[[Any], object] = getattr(self, f'destroy_{kind}')
            for entity in set(getattr(self, f'{kind}s')) - self._kept:
                destroy(entity)
        for waitable in set(self.waitables) - self._kept:
            if isinstance(waitable, ActionClient):
                waitable.destroy()

    def _entities(self) -> set[Any]:
        kinds = [getattr(self, f'{kind}s') for kind in _ENTITIES]
        return {entity for entities in (*kinds, self.waitables) for entity in entities}

    def _move(self, name: str, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Answer `~/retract` and `~/release`."""
        if self._action is None or not self._active:
            response.message = _INACTIVE
            return response
        return self._action.move(getattr(self.operator.arm, name), response)

    def _statuses(self) -> list[ComponentStatus]:
        # Only a planner with an arm needs MuJoCo and mink.
        from afformer_ros.planner.planner_diagnostics import planner_statuses

        operator = self._operator
        state = 'active' if self._active else 'unconfigured' if operator is None else 'inactive'
        return planner_statuses(state, self._action, None if operator is None else operator.arm)

    def _validate_parameters(self, parameters: list[Parameter[Any]]) -> SetParametersResult:
        constraints = {
            name: replace(constraint, change='unconfigured')
            for name, constraint in constraints_of(PlannerParameters).items()
        }
        configured = self._operator is not None
        result = validate_change(constraints, parameters, configured=configured)
        if not result.successful:
            return result
        changes = {
            parameter.name: parameter.value
            for parameter in parameters
            if parameter.name in constraints
        }
        try:
            read_parameters(self, PlannerParameters, changes)
        except (TypeError, ValueError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        return result

    def _report(self, _: int, __: int, message: str) -> None:
        self.get_logger().info(message)
