# SPDX-License-Identifier: Apache-2.0
"""Descriptions of states, results and recordings of a grounding node."""

from __future__ import annotations

import math
from collections.abc import Mapping

from afformer_core.runtime.grounding import UNKNOWN_ACTION
from afformer_core.studio.messages import certainty_in_words, presence_in_words
from afformer_ros.msg import Affordance, DemonstrationStatus
from afformer_ros.srv import GetDemonstrationFrame
from afformer_ros.studio.grounding_watch import NodeState, is_recording

_STATES: Mapping[NodeState, str] = {
    NodeState.UNKNOWN: 'Looking for {name} ...',
    NodeState.ABSENT: (
        'No node {name} is running. Start it, or start the studio with --node and its name, in '
        'the same ROS_DOMAIN_ID. This page finds it by itself.'
    ),
    NodeState.SILENT: '{name} does not answer. It is busy, hangs, or has died.',
    NodeState.UNCONFIGURED: '{name} is not configured. Configure it, and then activate it.',
    NodeState.INACTIVE: '{name} is not active. Activate it.',
    NodeState.ACTIVE: '{name} is active.',
}
# Seconds without a result after which a page reports it.
_STALE = 2.0


def state_in_words(state: NodeState, name: str) -> str:
    """Describe the state of the node with a full name, and what to do."""
    return _STATES[state].format(name=name)


def reliability_in_words(affordance: Affordance) -> tuple[str, str]:
    """Describe presence and certainty; the latter is empty if not known or nothing was found."""
    measured = _known(affordance.presence), _known(affordance.presence_threshold)
    presence = presence_in_words(*measured, found=affordance.found)
    if not affordance.found:
        return presence, ''
    certainty, threshold = affordance.certainty, affordance.certainty_threshold
    return presence, certainty_in_words(_known(certainty), _known(threshold))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def best_point_in_words(affordance: Affordance) -> str:
    """Describe where and how to act; empty if nothing was found."""
    if not affordance.points:
        return ''
    best = affordance.points[0]
    known = affordance.action and affordance.action != UNKNOWN_ACTION
    action = affordance.action.replace('_', ' ') if known else 'act'
    where = f'{action} at x {best.u:.0f}, y {best.v:.0f} pixels, score {best.score:.2f}'
    if best.position_valid:
        at, frame = best.position, affordance.position_frame
        where += f'; in space at {at.x:.3f}, {at.y:.3f}, {at.z:.3f} m of {frame}'
    held = f' Held for {affordance.age:.1f} s while it is not seen.' if affordance.age > 0 else ''
    return f'{where[0].upper()}{where[1:]}.{held}'


def age_in_words(seconds: float) -> str:
    """Report that the last result is old; empty if it is not."""
    return f'No result for {seconds:.0f} s: see below.' if seconds > _STALE else ''


def recording_in_words(status: DemonstrationStatus | None) -> str:
    """Describe the progress of a recording, or the last event."""
    if status is None:
        return ''
    if not is_recording(status):
        return str(status.message)
    hands = f', hands in {status.hands_seen}' if status.hands_seen else ''
    lost = f', {status.frames_lost} lost' if status.frames_lost else ''
    frames = f'{status.frames} frames{lost}{hands}, {status.duration:.1f} s.'
    return f'Recording {status.name!r}: {frames}'


def mark_in_words(answer: GetDemonstrationFrame.Response, affordance: Affordance | None) -> str:
    """Describe whether a first frame is marked, and what to do if not, after the last result."""
    if answer.marked:
        return f'{answer.name} is marked at {answer.x:.0f}, {answer.y:.0f} pixels.'
    last = affordance if affordance and affordance.demonstration == answer.name else None
    if last is None or not last.unsure:
        return f'{answer.name}: the model finds the operated part. A click there is more reliable.'
    tap = 'Tap one of the numbered parts, or click elsewhere.' if answer.candidate_x else 'Tap it.'
    return f'{answer.name}: which part? {tap}'
