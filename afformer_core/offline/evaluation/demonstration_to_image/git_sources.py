# SPDX-License-Identifier: Apache-2.0
"""Download of single files of a commit with git, without the rest of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from afformer_core.errors import AfformerError

_HOST = 'https://github.com'
# Seconds; git gives up on a connection that delivers less than 1 kB/s for this long.
_PATIENCE = '60'


class SourceError(AfformerError):
    """A repository, a commit or a file cannot be downloaded."""


def download_files(repository: str, commit: str, paths: Sequence[str], folder: Path) -> None:
    """Download files of a commit into a folder, which becomes a sparse clone.

    git's own configuration applies, for example `url.<mirror>.insteadOf`.

    Args:
        repository: owner and name on GitHub.
        commit: full hash.
        paths: paths or patterns of git's sparse checkout.
        folder: folder of the clone; files of an earlier download in it are kept.

    Raises:
        SourceError: git is missing, or the repository or the commit is not available.
    """
    if shutil.which('git') is None:
        raise SourceError('git is not installed; the benchmark needs it. Install git')
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / '.git').is_dir():
        _git(folder, 'init', '--quiet')
        _git(folder, 'remote', 'add', 'origin', f'{_HOST}/{repository}')
        _git(folder, 'config', 'remote.origin.promisor', 'true')
        _git(folder, 'config', 'remote.origin.partialclonefilter', 'blob:none')
    patterns = '\n'.join(f'/{_escaped(path)}' for path in paths)
    _git(folder, 'sparse-checkout', 'set', '--no-cone', '--stdin', given=patterns)
    _git(folder, 'fetch', '--quiet', '--depth', '1', '--filter', 'blob:none', 'origin', commit)
    _git(folder, 'checkout', '--quiet', '--force', '--detach', commit)


def _escaped(path: str) -> str:
    """Escape what a pattern of git would not take literally, except `*`."""
    for character in '\\[]?!#':
        path = path.replace(character, f'\\{character}')
    return path.rstrip(' ')


def _git(folder: Path, *arguments: str, given: str | None = None) -> None:
    environment = {
        **os.environ,
        # asks for no password: a repository that vanished looks like a private one
        'GIT_TERMINAL_PROMPT': '0',
        'GIT_HTTP_LOW_SPEED_LIMIT': '1000',
        'GIT_HTTP_LOW_SPEED_TIME': _PATIENCE,
        'GIT_LFS_SKIP_SMUDGE': '1',
        'LC_ALL': 'C',
    }
    done = subprocess.run(
        ['git', *arguments],
        cwd=folder,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f'status {done.returncode}']
        causes = [line for line in lines if line.startswith(('error:', 'fatal:', 'remote:'))]
        raise SourceError(f'git {arguments[0]} failed: {(causes or lines)[0]}')
