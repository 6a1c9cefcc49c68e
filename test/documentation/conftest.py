# SPDX-License-Identifier: Apache-2.0
"""The shell blocks of all pages, and the commands that they are made of."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.site.command_pages import subcommand_pages
from tools.site.launch_page import launch_page

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = (
    'README.md',
    'CONTRIBUTING.md',
    'QUALITY_DECLARATION.md',
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / 'docs').rglob('*.md')),
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob('afformer_core/weights/*/*.md')),
)
# What stands at the top of a YAML file, in comments.
SETTINGS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / 'config').rglob('*.yaml'))
_COMMENTED = re.compile(r'^#[ ]+((?:afformer|ros2|make) (?:.*\\\n#.*)*.*)$', re.MULTILINE)
_SHELLS = ('sh', 'bash', 'console', 'shell')
_FENCED = re.compile(r'^```(\w*)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
# What a reader replaces, such as <this repository>; bash would read from it and write to what
# follows.
_PLACEHOLDER = re.compile(r'<[a-z][a-z ]*>')
# Bash reads the block, and says what it would run in place of running it.
_RECORDER = """
PATH=/nowhere
record() {{ printf '%s\\0' "$@" >> {log}; printf '\\n\\0' >> {log}; }}
command_not_found_handle() {{ record "$@"; }}
for name in {names}; do eval "$name() {{ record $name \\"\\$@\\"; }}"; done
unset name
{block}
"""
# Builtins that would act.
_RECORDED_BUILTINS = ('cd', 'source', 'export', 'exec', 'kill', 'wait')
# Named by a path, so that bash does not ask what to do when it is not found.
_RECORDED_SCRIPTS = ('src/afformer_ros/tools/install_beside_apt.sh',)


@dataclass(frozen=True)
class ShellBlock:
    """One block of shell commands.

    Attributes:
        page: that it stands on.
        line: that it begins at.
        text: what a reader would paste.
    """

    page: str
    line: int
    text: str

    def __str__(self) -> str:
        return f'{self.page}:{self.line}'

    def complaints(self) -> str:
        """What bash finds wrong with the syntax."""
        checked = subprocess.run(
            [_bash(), '-n'], input=self.text, capture_output=True, text=True, check=False
        )
        return checked.stderr

    def commands(self, folder: Path) -> list[list[str]]:
        """The words of each command, in order, with variables in place.

        Args:
            folder: empty, to work in.
        """
        log, work = folder / 'words', folder / 'work'
        work.mkdir()
        log.touch()
        names = ' '.join((*_RECORDED_BUILTINS, *_RECORDED_SCRIPTS))
        script = _RECORDER.format(log=f"'{log}'", names=names, block=self.text)
        done = subprocess.run(
            [_bash()], input=script, capture_output=True, text=True, check=False, cwd=work
        )
        assert done.stderr == '', done.stderr
        words = log.read_text().split('\0')
        commands: list[list[str]] = [[]]
        for word in words[:-1]:
            if word == '\n':
                commands.append([])
            else:
                commands[-1].append(word)
        return commands[:-1]


def _bash() -> str:
    bash = shutil.which('bash')
    if bash is None:
        pytest.skip('bash is not installed')
    return bash


def shell_blocks(page: str, text: str) -> Iterator[ShellBlock]:
    """The fenced shell blocks of a page of Markdown."""
    for found in _FENCED.finditer(text):
        if found[1] in _SHELLS:
            yield _block(page, text, found.start(2), found[2])


def commented_commands(page: str, text: str) -> Iterator[ShellBlock]:
    """The commands in the comments of a YAML file, each a block of its own."""
    for found in _COMMENTED.finditer(text):
        yield _block(page, text, found.start(), re.sub(r'^#', '', found[1], flags=re.MULTILINE))


def _block(page: str, text: str, start: int, content: str) -> ShellBlock:
    lines = [re.sub(r'^\s*\$ ', '', line) for line in content.splitlines()]
    pasted = _PLACEHOLDER.sub('placeholder', '\n'.join(lines) + '\n')
    return ShellBlock(page, text[:start].count('\n') + 1, pasted)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Once for each block where a test takes one."""
    if 'block' in metafunc.fixturenames:
        blocks = [
            block for page in PAGES for block in shell_blocks(page, (ROOT / page).read_text())
        ]
        for page, text in (
            *subcommand_pages().items(),
            ('reference/launch.md', launch_page(ROOT)),
        ):
            blocks += shell_blocks(page, text)
        for page in SETTINGS:
            blocks += commented_commands(page, (ROOT / page).read_text())
        metafunc.parametrize('block', blocks, ids=str)
    if 'page' in metafunc.fixturenames:
        metafunc.parametrize('page', PAGES)


@pytest.fixture
def blocks_of() -> object:
    """The shell blocks of a text."""
    return lambda text: list(shell_blocks('page.md', text))
