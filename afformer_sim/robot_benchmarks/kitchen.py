# SPDX-License-Identifier: Apache-2.0
"""Parts that a hand operates in the oversized model of Franka Kitchen."""

from __future__ import annotations

from functools import partial

from afformer_sim.bodies.grip import Hook, Pinch
from afformer_sim.robot_benchmarks.model_source import KITCHEN
from afformer_sim.robot_benchmarks.operated_part import AWAY, UPWARD, OperatedPart

# The top of its counters.
_COUNTER = 1.6
_part = partial(
    OperatedPart, source=KITCHEN, model='kitchen_env_model.xml', scale=0.65, bottom=_COUNTER
)
KITCHEN_PARTS = (
    _part(
        family='kitchen_burner_knob',
        moves='knob_Joint_1',
        materials=(),
        point=(-0.133, 2.226, -0.64),
        grip=Pinch(0.012, 0.0, 0.012),
        action='rotate',
        accepted_actions=('rotate',),
        after=(-1.5, -0.8),
        elevation=0.0,
    ),
    _part(
        family='kitchen_hinge_cabinet',
        moves='left_hinge_cabinet',
        materials=('M_hinge_metal',),
        point=(-0.682, 2.6, -0.582),
        grip=Hook(0.16, 0.014, 0.0, vertical=True),
        action='pull',
        accepted_actions=('pull', 'hold'),
        after=(-1.3, -0.7),
        elevation=0.0,
    ),
    _part(
        family='kitchen_kettle',
        moves='kettle',
        materials=('kettle_wood',),
        point=(-0.269, 1.885, -0.35),
        grip=Hook(0.12, 0.02, 0.0, vertical=False),
        action='pick up',
        accepted_actions=('pick up', 'hold'),
        after=(0.12, 0.25),
        outward=UPWARD,
        upward=AWAY,
    ),
    _part(
        family='kitchen_light_switch',
        moves='light_switch',
        materials=(),
        point=(-0.35, 2.28, -0.59),
        grip=Pinch(0.013, -0.01, 0.0),
        action='push',
        accepted_actions=('push', 'rotate', 'pull', 'touch'),
        after=(-0.7, -0.5),
        elevation=0.0,
    ),
    _part(
        family='kitchen_microwave',
        moves='microwave',
        materials=('micro_metal',),
        point=(-0.642, 1.792, -0.492),
        grip=Hook(0.16, 0.013, 0.0, vertical=True),
        action='pull',
        accepted_actions=('pull', 'hold'),
        after=(-1.2, -0.6),
        outward=(0.296, 0.0, 0.955),
        elevation=10.0,
    ),
    _part(
        family='kitchen_slide_cabinet',
        moves='slide_cabinet',
        materials=('M_slide_metal',),
        point=(-0.108, 2.6, -0.607),
        grip=Hook(0.16, 0.014, 0.0, vertical=True),
        action='pull',
        accepted_actions=('pull', 'push', 'hold'),
        after=(0.25, 0.42),
        elevation=0.0,
    ),
)
