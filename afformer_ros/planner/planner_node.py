# SPDX-License-Identifier: Apache-2.0
"""The node `planner`, which grounds demonstrations, moves the arm, and checks the result."""

from __future__ import annotations

import threading
from typing import Any

from rclpy.node import Node

from afformer_core.errors import AfformerError
from afformer_ros.parameter_fields import declare_parameters, read_parameters
from afformer_ros.planner.element_operator import ElementOperator
from afformer_ros.planner.operate_action import OperateAction, Operation
from afformer_ros.planner.parameters import PlannerParameters
from afformer_ros.planner.waiting import Waiting


class PlannerNode(Node):
    """A node that repeats demonstrations; callbacks must run in another thread than `repeat`.

    With the parameter `serve`, it repeats them for the goals of the action `~/operate_element`.

    Args:
        finished: event that ends every wait.
        options: options of `rclpy.node.Node`.

    Attributes:
        operator: what looks and acts.

    Raises:
        AfformerError: the model of the arm cannot be read.
        ValueError: a parameter violates a rule.
    """

    def __init__(self, finished: threading.Event, **options: Any) -> None:
        super().__init__('planner', **options)
        declare_parameters(self, PlannerParameters)
        self._settings = settings = read_parameters(self, PlannerParameters)
        self._finished = finished
        waiting = Waiting(self.get_clock(), finished, settings.clock_patience)
        self.operator = ElementOperator(self, settings, waiting)
        self._action: OperateAction | None = None
        if settings.serve:
            self._action = OperateAction(self, self.operator, waiting, settings)

    @property
    def serves(self) -> bool:
        """Whether the node offers the action `~/operate_element`."""
        return self._settings.serve

    def close(self) -> bool:
        """End every wait; return whether the open goals, if any, have ended."""
        self._finished.set()
        ended = self._action is None or self._action.close()
        return self.operator.grounding.close() and ended

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

    def _report(self, _: int, __: int, message: str) -> None:
        self.get_logger().info(message)
