# SPDX-License-Identifier: Apache-2.0
"""The site of the documentation: its pages, their links, what is generated, and what it loads."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from afformer_core.cli.main import SUBCOMMANDS
from tools import documentation_tables
from tools.site.command_pages import subcommand_pages
from tools.site.configuration_page import configuration_page, opening_sentence
from tools.site.launch_page import launch_page
from tools.site.message_page import message_page
from tools.site.source_pages import REPOSITORY_PAGES, source_pages, with_site_links


@pytest.fixture(scope='module')
def settings(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / 'mkdocs.yml').read_text())


def paths_of(navigation: Any) -> Iterator[str]:
    """Pages of a navigation, at any depth."""
    if isinstance(navigation, str):
        yield navigation
    else:
        parts = navigation.values() if isinstance(navigation, dict) else navigation
        for each in parts:
            yield from paths_of(each)


def test_every_page_is_in_the_navigation_once(root: Path, settings: dict[str, Any]) -> None:
    docs = root / 'docs'
    pages = [str(path.relative_to(docs)) for path in docs.rglob('*.md')]
    pages += REPOSITORY_PAGES.values()
    generated = ('messages', 'launch', 'configuration')
    pages += [f'reference/{name}.md' for name in generated]
    pages += ['reference/commands/']
    assert sorted(paths_of(settings['nav'])) == sorted(pages)


@pytest.mark.parametrize(
    ('path', 'link', 'followed'),
    [
        (
            'robot/launch.md',
            '../../launch/ground.launch.py',
            '../source/launch/ground.launch.py.md',
        ),
        ('robot/launch.md', '../../CHANGELOG.md#added', '../develop/changelog.md#added'),
        ('robot/launch.md', 'points.md', 'points.md'),
        ('robot/launch.md', '#lifecycle', '#lifecycle'),
        ('develop/security.md', 'package.xml', '../source/package.xml.md'),
        ('develop/contributing.md', 'docs/robot/backends.md', '../robot/backends.md'),
        ('index.md', 'https://www.ros.org/x.md', 'https://www.ros.org/x.md'),
    ],
)
def test_links_to_the_repository_lead_to_pages(path: str, link: str, followed: str) -> None:
    assert with_site_links(f'[it]({link})', path) == f'[it]({followed})'
    shown = f'```text\n[it]({link})\n```'
    assert with_site_links(shown, path) == shown


def test_a_file_that_is_linked_to_becomes_a_page(root: Path) -> None:
    links = '[it](../../config/ground.yaml) [it](../../examples/ground_two_files.ipynb)'
    pages = source_pages(root, {'robot/launch.md': links})
    assert pages['source/config/ground.yaml.md'].startswith('# config/ground.yaml\n\n```yaml\n# ')
    assert pages['source/examples/ground_two_files.ipynb.md'].count('![](data:image/jpeg;') == 2


def test_a_link_to_nothing_is_refused(root: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'config/no_such\.yaml is linked to'):
        source_pages(root, {'robot/launch.md': '[it](../../config/no_such.yaml)'})


def test_messages_are_described_by_their_comments(tmp_path: Path) -> None:
    (tmp_path / 'msg').mkdir()
    (tmp_path / 'srv').mkdir()
    (tmp_path / 'msg' / 'Score.msg').write_text(
        '# How well it fits.\n\nuint8 READY=2  # it may be read\nfloat32 score  # 0 to 1,\n'
        '               # higher is better\n'
    )
    (tmp_path / 'srv' / 'Stop.srv').write_text('# End it.\n---\nbool success  # false: it runs\n')
    assert message_page(tmp_path) == (
        '# Messages and services\n\n'
        '## Score\n\n`afformer_ros/msg/Score`. How well it fits.\n\n'
        '| field | type | |\n| --- | --- | --- |\n'
        '| `READY=2` | `uint8` | it may be read |\n'
        '| `score` | `float32` | 0 to 1, higher is better |\n\n'
        '## Stop\n\n`afformer_ros/srv/Stop`. End it.\n\nThe request is empty.\n\n'
        '| response | type | |\n| --- | --- | --- |\n'
        '| `success` | `bool` | false: it runs |\n\n'
    )


def test_launch_files_are_described_by_their_arguments(root: Path) -> None:
    page = launch_page(root)
    assert (
        '\n## robot_demo.launch.py\n\nLaunch of a simulated arm that repeats a demonstration: '
        'driver, grounding node and planner.\n\n```sh\nros2 launch afformer_ros robot_demo.'
    ) in page
    assert '| `video` | required | Video, folder of images or bag of' in page
    assert (
        '| `dry_run` | `false` | Whether the planner only describes the motion of the arm. One of '
        '`true`, `false`. |\n'
    ) in page
    assert '| `params_file` | `config/ground.yaml` | YAML file with' in page


def test_configuration_files_are_described_by_their_comments(root: Path) -> None:
    page = configuration_page(root)
    for path in (root / 'config' / 'train').rglob('*.yaml'):
        (row,) = re.findall(rf'\(\.\./\.\./{path.relative_to(root)}\) \| (.*) \|\n', page)
        assert row, f'{path} has no comment at its top'


def test_a_comment_is_described_by_its_first_sentence() -> None:
    text = '# What it\n# trains. More of it.\n# afformer train -c a.yaml\nmodel: 1\n'
    assert opening_sentence(text) == 'What it trains'


def test_every_subcommand_has_a_page() -> None:
    pages = subcommand_pages()
    listed = pages['reference/commands/index.md']
    for name in SUBCOMMANDS:
        assert f'# afformer {name}\n' in pages[f'reference/commands/{name}.md']
        assert f'| [`afformer {name}`]({name}.md) | ' in listed
    ground = pages['reference/commands/ground.md']
    assert '```sh\nafformer ground press.mp4' in ground
    assert '\n  --contact X Y' in ground


@pytest.mark.parametrize('name', SUBCOMMANDS)
def test_lines_of_examples_that_go_on_end_in_a_backslash(name: str) -> None:
    page = subcommand_pages()[f'reference/commands/{name}.md']
    examples = page.partition('```sh\n')[2].partition('```')[0].splitlines()
    assert all(line.startswith('afformer ') for line in examples if not line.startswith(' '))
    before = [a for a, b in itertools.pairwise(examples) if b.startswith(' ')]
    assert all(line.endswith(' \\') for line in before)
    assert not [line for line in examples if '   ' in line.strip() and '#' not in line]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_site_is_built_without_warnings_and_loads_nothing(root: Path, tmp_path: Path) -> None:
    site = tmp_path / 'site'
    command = [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--site-dir', str(site)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = re.compile(
        r'<(?:script|img|iframe|source)[^>]*\bsrc="https?:|<link[^>]*href="https?:'
    )
    pages = list(site.rglob('*.html'))
    assert len(pages) > 100
    assert [page.name for page in pages if loaded.search(page.read_text())] == []


_FENCED = re.compile(r'^```.*?^```$', re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'\]\(([^)\s]+)\)')
_ELSEWHERE = re.compile(r'^(?:https?|mailto):')
_HEADING = re.compile(r'^#+ +(.+?)\s*$', re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = _HEADING.findall(_FENCED.sub('', text))
    return {re.sub(r'[^\w\- ]', '', one).lower().replace(' ', '-') for one in headings}


def dead_links(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    dead = []
    text = page.read_text()
    for link in _LINK.findall(_FENCED.sub('', text)):
        if _ELSEWHERE.match(link):
            continue
        path, _, anchor = link.partition('#')
        target = page.parent / unquote(path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            dead.append(link)
    return dead


def test_every_link_leads_somewhere(page: str, root: Path) -> None:
    assert dead_links(root / page) == []


def test_every_page_can_be_reached_from_the_readme(root: Path) -> None:
    reached: set[Path] = set()
    waiting = [root / 'README.md']
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        links = (link.partition('#')[0] for link in _LINK.findall(page.read_text()))
        waiting += [(page.parent / link).resolve() for link in links if link.endswith('.md')]
    assert set((root / 'docs').rglob('*.md')) <= reached


@pytest.mark.parametrize('name', ['topics.md', 'parameters.md'])
def test_tables_of_the_node_are_up_to_date(root: Path, name: str) -> None:
    page = root / 'docs' / 'reference' / name
    text = page.read_text()
    written = documentation_tables.with_tables(text, documentation_tables.PAGES[page])
    assert written == text, 'run: python tools/documentation_tables.py'


def test_a_page_without_the_marks_of_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match='topics'):
        documentation_tables.with_tables('# no marks', {'topics': documentation_tables.topics})
