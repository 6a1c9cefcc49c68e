# SPDX-License-Identifier: Apache-2.0
"""Messages that are missing between those that arrived."""

from __future__ import annotations

from typing import Any

import pytest

from afformer_ros.sequence_gaps import SequenceGaps


def info(number: int | None, publisher: bytes | None = b'left') -> dict[str, Any]:
    told: dict[str, Any] = {'publication_sequence_number': number, 'source_timestamp': 17}
    if publisher is not None:
        told['publisher_gid'] = {'implementation_identifier': 'rmw', 'data': publisher}
    return told


def counted(gaps: SequenceGaps, *told: dict[str, Any] | None) -> list[int]:
    return [gaps.arrived(one) for one in told]


@pytest.fixture
def gaps() -> SequenceGaps:
    return SequenceGaps(lambda: None)


def test_numbers_that_are_missing_between_two_messages(gaps: SequenceGaps) -> None:
    assert counted(gaps, info(40), info(41), info(45), info(46)) == [0, 0, 3, 0]


def test_each_publisher_has_its_own_numbers(gaps: SequenceGaps) -> None:
    right = b'right'
    told = [info(40), info(900, right), info(41), info(903, right), info(43)]
    assert counted(gaps, *told) == [0, 0, 0, 2, 1]


def test_what_another_subscription_would_have_taken_is_not_missing(gaps: SequenceGaps) -> None:
    gaps.arrived(info(40))
    gaps.begin_anew()
    assert counted(gaps, info(60), info(62)) == [0, 1]


@pytest.mark.parametrize('unnumbered', [None, info(None), info(2**64 - 1), {}])
def test_a_message_without_a_number(gaps: SequenceGaps, unnumbered: Any) -> None:
    assert counted(gaps, info(40), unnumbered, info(42)) == [0, 0, 1]


def test_where_no_publisher_is_told_the_only_one_is_asked_for() -> None:
    publishers = [b'first']
    gaps = SequenceGaps(lambda: publishers[-1])
    assert counted(gaps, info(40, None), info(43, None)) == [0, 2]
    publishers.append(b'second')
    assert counted(gaps, info(900, None), info(902, None)) == [0, 1]


def test_numbers_of_several_publishers_without_names_are_not_compared(gaps: SequenceGaps) -> None:
    assert counted(gaps, info(40, None), info(900, None), info(45, None)) == [0, 0, 0]
