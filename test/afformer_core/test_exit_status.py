# SPDX-License-Identifier: Apache-2.0
import pytest

from afformer_core.exit_status import describe_exit


@pytest.mark.parametrize(
    ('status', 'words'),
    [
        (0, 'ended with status 0'),
        (3, 'ended with status 3'),
        (-9, 'was killed by SIGKILL, probably for lack of memory'),
        (-11, 'was killed by SIGSEGV'),
        (-250, 'was killed by signal 250'),
    ],
)
def test_how_a_process_ended(status: int, words: str) -> None:
    assert describe_exit(status) == words
