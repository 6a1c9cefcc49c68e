# SPDX-License-Identifier: Apache-2.0
"""Errors of tasks that Ray Data only logs: a full disk, and the reasons of others."""

from __future__ import annotations

import logging

import pytest

from afformer_core.errors import AfformerError
from afformer_core.maskahand.mining.cluster_stages import LostTasks, _require_disk

exceptions = pytest.importorskip('ray.exceptions', reason='the extra cluster is not installed')


def test_the_last_error_of_a_task_is_kept() -> None:
    logger, lost = logging.Logger('ray.data.some'), LostTasks()
    logger.addHandler(lost)

    logger.error('it ends')
    assert lost.error is None
    for error in (ValueError('first'), KeyError('last')):
        logger.error('a task failed', exc_info=error)

    assert repr(lost.error) == "KeyError('last')"


@pytest.mark.parametrize('in_task', [False, True])
def test_a_full_disk_of_a_machine_is_told_in_a_sentence(in_task: bool) -> None:
    error = exceptions.OutOfDiskError('Local disk is full')
    if in_task:
        error = exceptions.RayTaskError('decode', 'traceback', error)

    with pytest.raises(
        AfformerError, match=r'^the disk of a machine .* is full; expected .* Free'
    ):
        _require_disk(error)


def test_other_errors_of_tasks_are_no_full_disk() -> None:
    _require_disk(exceptions.WorkerCrashedError())
    _require_disk(None)
