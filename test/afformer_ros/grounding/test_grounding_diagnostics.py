# SPDX-License-Identifier: Apache-2.0
"""Values in the diagnostics of a node, found by their names."""

from types import SimpleNamespace
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from afformer_ros.grounding.grounding_diagnostics import ComponentStatus, status_of


def node(name: str) -> Any:
    return SimpleNamespace(
        get_fully_qualified_name=lambda: name, get_name=lambda: name.rpartition('/')[2]
    )


@pytest.fixture
def diagnostics() -> DiagnosticArray:
    components = [
        ComponentStatus('latency', '', '', 'in time', {'ground p50 (ms)': '12'}),
        ComponentStatus('gpu', '', 'the GPU was lost', 'cuda computes', {}),
    ]
    statuses = [one.status(node(name)) for name in ('/left/grounding', '/grounding')
                for one in components]  # fmt: skip
    statuses[0].values[0].value = '99'
    return DiagnosticArray(status=statuses)


def test_the_status_of_one_node_among_several(diagnostics: DiagnosticArray) -> None:
    status = status_of(diagnostics, '/grounding', 'latency')

    assert [(one.key, one.value) for one in status.values] == [('ground p50 (ms)', '12')]


def test_a_warning_is_told_instead_of_the_usual_message(
    diagnostics: DiagnosticArray,
) -> None:
    status = status_of(diagnostics, '/grounding', 'gpu')

    assert (status.level, status.message) == (DiagnosticStatus.WARN, 'the GPU was lost')


def test_what_is_not_told(diagnostics: DiagnosticArray) -> None:
    assert status_of(diagnostics, '/grounding', 'depth') is None
    assert status_of(diagnostics, '/right/grounding', 'gpu') is None
