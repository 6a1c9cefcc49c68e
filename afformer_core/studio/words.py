# SPDX-License-Identifier: Apache-2.0
"""Descriptions of the reliability of a result, for pages."""

from __future__ import annotations


def presence_in_words(presence: float | None, threshold: float | None, *, found: bool) -> str:
    """Describe whether the demonstrated element is in view.

    Args:
        presence: probability that it is; None if the model is not calibrated.
        threshold: presence from which it counts as found; None if the model is not calibrated.
        found: whether it counts as found.
    """
    if presence is None or threshold is None:
        return 'Presence is not known: this model is not calibrated. Run `afformer calibrate`.'
    begin = 'In view' if found else 'Not found'
    return f'{begin}: presence {presence:.2f}, at least {threshold:.2f} is needed.'


def certainty_in_words(certainty: float | None, threshold: float | None) -> str:
    """Describe whether the best point lies on the demonstrated part; empty if not known."""
    if certainty is None or threshold is None:
        return ''
    begin = 'Not sure which part' if certainty < threshold else 'The part is certain'
    return f'{begin}: certainty {certainty:.2f}, at least {threshold:.2f} is needed.'
