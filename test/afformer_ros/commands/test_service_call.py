# SPDX-License-Identifier: Apache-2.0
"""Requests are read from YAML, and answers are printed."""

from __future__ import annotations

import pytest
from afformer_ros.srv import GetDemonstrationFrame, ListDemonstrations, MarkContact

from afformer_ros.commands.main import main
from afformer_ros.commands.service_call import CallError, filled_request, message_lines


def test_a_request_is_filled_in_the_types_of_its_fields() -> None:
    request = filled_request(MarkContact, '{name: espresso, x: 292, y: 48.5}')
    assert request == MarkContact.Request(name='espresso', x=292.0, y=48.5)
    assert filled_request(ListDemonstrations, '{}') == ListDemonstrations.Request()


@pytest.mark.parametrize(
    ('text', 'complaint'),
    [
        ('espresso', "the request is 'espresso'; expected fields"),
        ('{name: [', 'is not valid YAML'),
        ('{title: espresso}', "has the field 'title'; expected name, x, y, candidate, remove"),
        ('{name: 3}', 'name is 3; expected a value of type string'),
        ('{x: left}', "x is 'left'; expected a value of type double"),
        ('{remove: 1}', 'remove is 1; expected a value of type boolean'),
    ],
)
def test_another_request_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(CallError, match=complaint):
        filled_request(MarkContact, text)


def test_an_answer_is_printed_without_its_image() -> None:
    answer = GetDemonstrationFrame.Response(success=True, name='espresso', x=292.5)
    answer.frame.format = 'jpeg'
    answer.frame.data = bytes(4711)
    lines = list(message_lines(answer))
    assert {'success: True', 'name: espresso', 'x: 292.5'} <= set(lines)
    begin = lines.index('frame:')
    assert '  format: jpeg' in lines[begin:]
    assert '  data: 4711 elements' in lines[begin:]
    names = ListDemonstrations.Response(names=['a', 'b'])
    assert list(message_lines(names)) == ['names: [a, b]', 'selected: ']


def test_without_the_node_it_says_how_to_start_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr('afformer_ros.commands.service_call._PATIENCE', 0.1)
    assert main(['call', 'list_demonstrations', '--node', '/nowhere']) == 1
    complaint = 'no node offers /nowhere/list_demonstrations. Start it with python -m afformer_ros'
    assert complaint in capsys.readouterr().err
