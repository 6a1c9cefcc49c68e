# SPDX-License-Identifier: Apache-2.0
"""Age of images, by the stamp of the camera and the clock of the node, which may disagree."""

from __future__ import annotations

from afformer_core.messages.stamps import ANOTHER_CLOCK


def age_problem(stamp: int, now: int, maximum_age: float) -> str:
    """Say why an image does not count for its age; empty if it counts.

    A stamp may be ahead of the clock, by what the clocks of two machines differ or by the period
    of simulated time, for no longer than an image may be old.

    Args:
        stamp: stamp of the image, nanoseconds; 0: it has none.
        now: time of the node, nanoseconds; 0: simulated time has not begun.
        maximum_age: seconds; 0: any age.
    """
    if not maximum_age:
        return ''
    expected = f'expected at most {maximum_age:g} s'
    if not now:
        return f'no message has arrived on /clock, so that its age is not known; {expected}'
    if not stamp:
        return f'it has no stamp, so that its age is not known; {expected}'
    age = (now - stamp) * 1e-9
    if abs(age) <= maximum_age:
        return ''
    if abs(age) > ANOTHER_CLOCK:
        return (
            f'its stamp is {abs(age):.0f} s {"behind" if age > 0 else "ahead of"} the clock of '
            f'the node; {expected}. Set use_sim_time where a bag or a simulator gives the time, '
            'or maximum_image_age to 0'
        )
    if age < 0:
        return (
            f'its stamp is {-age:.2f} s ahead of the clock of the node; {expected}. Synchronize '
            'the clocks'
        )
    return f'it was {age:.2f} s old; {expected}'
