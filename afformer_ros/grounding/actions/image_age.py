# SPDX-License-Identifier: Apache-2.0
"""The age of images, from the stamp of the camera and the possibly different clock of the node."""

from __future__ import annotations

from afformer_core.messages.stamps import ANOTHER_CLOCK


def age_problem(stamp: int, now: int, maximum_age: float) -> str:
    """Explain why an image is too old to count; empty if it counts.

    A stamp may be ahead of the clock, because of different clocks of two machines or the period of
    simulated time, by no more than the maximum age.

    Args:
        stamp: stamp of the image, nanoseconds; 0: it has none.
        now: time of the node, nanoseconds; 0: simulated time has not started.
        maximum_age: seconds; 0: any age.
    """
    if not maximum_age:
        return ''
    expected = f'expected at most {maximum_age:g} s'
    if not now:
        return f'no message has arrived on /clock, so its age is not known; {expected}'
    if not stamp:
        return f'it has no stamp, so its age is not known; {expected}'
    age = (now - stamp) * 1e-9
    if abs(age) <= maximum_age:
        return ''
    if abs(age) > ANOTHER_CLOCK:
        return (
            f'its stamp is {abs(age):.0f} s {"behind" if age > 0 else "ahead of"} the clock of '
            f'the node; {expected}. Set use_sim_time if a bag or a simulator provides the time, '
            'or maximum_image_age to 0'
        )
    if age < 0:
        return (
            f'its stamp is {-age:.2f} s ahead of the clock of the node; {expected}. Synchronize '
            'the clocks'
        )
    return f'it was {age:.2f} s old; {expected}'
