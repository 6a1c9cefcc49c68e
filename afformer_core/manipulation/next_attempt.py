# SPDX-License-Identifier: Apache-2.0
"""The choice of the next attempt at an element: another way to act, or another point."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from afformer_core.actions import ACTIONS
from afformer_core.changes.outcome import ObservedOutcome, Seen
from afformer_core.manipulation.contact import ArmContact, Felt

# Points closer than this, in metres, are the same one.
_SAME = 0.02
# Metres by which the gripper closes deeper.
_DEEPER = 0.012
# Metres by which the command leads a part that resists.
_LEAD = 0.005

FROM_CAMERA, FROM_FRONT = 'along the line of sight', 'along the normal of the surface'
OTHER_SENSE, MORE_FORCE = 'in the other sense', 'with more force'
ACROSS, DEEPER = 'with the gripper turned by 90 degrees', 'with the fingers deeper'
OTHER_POINT = 'at the next best point'


@dataclass(frozen=True)
class NextAttempt:
    """An attempt to make.

    Attributes:
        found: the point as it is found, and the action.
        contact: where and how to act.
        way: how it differs from the first attempt at its point; empty: the first one.
    """

    found: ArmContact
    contact: ArmContact
    way: str = ''


@dataclass(frozen=True)
class Attempted:
    """An attempt that was made, and what came of it.

    Attributes:
        attempt: the attempt.
        felt: what the arm felt.
        observed: what the camera saw.
    """

    attempt: NextAttempt
    felt: Felt
    observed: ObservedOutcome


def may_try_again(made: Attempted) -> bool:
    """Check whether an attempt changed nothing, so that another one repeats nothing."""
    if made.felt.held is False and made.observed.seen is not Seen.OTHER_CHANGED:
        return made.observed.seen is not Seen.DONE
    if made.observed.seen is Seen.NOT_DONE:
        # What the arm has felt may be done already, and doing it again would undo it.
        return not (made.felt.done and ACTIONS[made.attempt.contact.action].passing)
    compared = not math.isnan(made.observed.here)
    return made.observed.seen is Seen.NOT_VISIBLE and compared and not made.felt.in_contact


def next_attempts(
    contacts: Sequence[ArmContact], tried: Sequence[Attempted], *, compliant: bool
) -> Iterator[NextAttempt]:
    """Yield the attempts that are left, best first.

    The other ways at the best point come first, because it most likely lies on the right part.

    Args:
        contacts: points that are now found, best first.
        tried: attempts so far; none of them has changed anything.
        compliant: whether the arm gives way, so that it may pull and push with more force.
    """
    for rank, contact in enumerate(contacts):
        before = [
            made
            for made in tried
            if np.linalg.norm(made.attempt.found.point - contact.point) < _SAME
        ]
        if not before:
            yield NextAttempt(contact, contact, OTHER_POINT if rank or tried else '')
            continue
        used = {made.attempt.way for made in before}
        for way, changed in _other_ways(contact, before[-1].felt):
            if way not in used and (compliant or way != MORE_FORCE):
                yield NextAttempt(contact, changed, way)


def _other_ways(contact: ArmContact, felt: Felt) -> Iterator[tuple[str, ArmContact]]:
    """Yield the other ways to act at a point, and the point as each of them needs it."""
    action, motion = contact.action, contact.motion
    if felt.held is False and felt.closing is not None:
        yield ACROSS, replace(contact, closing=_across(contact, felt.closing))
        yield DEEPER, replace(contact, closing=felt.closing, depth=contact.depth + _DEEPER)
    if not felt.in_contact:
        if contact.camera is not None:
            # The camera sees the surface without an obstacle.
            towards = contact.camera - contact.point
            normal = towards / np.linalg.norm(towards)
            axis = motion if action == 'rotate' else None
            yield FROM_CAMERA, replace(contact, normal=normal, motion=axis)
        return
    if action == 'rotate' and motion is not None:
        yield OTHER_SENSE, replace(contact, motion=-motion)
    if action == 'push' or (action == 'pull' and not felt.done):
        yield MORE_FORCE, replace(contact, lead=_LEAD)
    if action in ('push', 'pull') and motion is not None:
        yield FROM_FRONT, replace(contact, motion=None)


def _across(contact: ArmContact, closing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the direction [3] across the approach and across another closing direction."""
    across = np.cross(contact.outwards, closing)
    return np.asarray(across / np.linalg.norm(across))
