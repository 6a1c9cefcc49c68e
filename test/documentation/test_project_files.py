# SPDX-License-Identifier: Apache-2.0
"""The files that hosts, editors and citations read parse, and name what exists."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from catkin_pkg.changelog import get_changelog_from_path
from catkin_pkg.package import Package, parse_package

import afformer_core

OF_ROS = re.compile(r'\w+_(msgs|srvs|interfaces)|rclpy|launch\w*|tf2_ros|rosbag2_py|bondpy')
KEYS_OF_MODULES = {'tf2_ros': 'tf2_ros_py'}
# What pip brings, by rosdep's keys that mean a package of apt.
APT_KEYS = {
    'filelock': 'python3-filelock',
    'numpy': 'python3-numpy',
    'opencv-python-headless': 'python3-opencv',
    'pillow': 'python3-pil',
    'platformdirs': 'python3-platformdirs',
    'tqdm': 'python3-tqdm',
}
# rosdep has no key, or one that calls pip, which Ubuntu 24.04 refuses to run outside of an
# environment.
ONLY_BY_PIP = {
    'av', 'mcap', 'onnxruntime', 'rosbags', 'rosbags-image', 'safetensors', 'simplejpeg',
    'threadpoolctl',
}  # fmt: skip

# Of addresses that are not filled in; no such domain can exist.
UNKNOWN = '.invalid'
WORKFLOWS = ('lint', 'test', 'docs', 'ros', 'apt')
# These call colcon or pytest.
IN_CONTAINERS = ('ros', 'apt')


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_every_file_says_the_same_version(root: Path) -> None:
    package = ElementTree.parse(root / 'package.xml').findtext('version')
    assert package == afformer_core.__version__
    assert str(read_yaml(root / 'CITATION.cff')['version']) == package
    assert f'## [{package}] - ' in (root / 'CHANGELOG.md').read_text()


def test_the_changelog_of_ros_has_every_release(root: Path) -> None:
    pattern = r'^## \[([\d.]+)\] - (\S+)$'
    releases = re.findall(pattern, (root / 'CHANGELOG.md').read_text(), re.MULTILINE)
    changelog = get_changelog_from_path(str(root / 'CHANGELOG.rst'))
    dates = {one: date for one, date, _ in changelog.foreach_version(reverse=True) if date}
    assert {one: str(date.date()) for one, date in dates.items()} == dict(releases)


@pytest.fixture(scope='module')
def package(root: Path) -> Package:
    warnings: list[str] = []
    package = parse_package(str(root / 'package.xml'), warnings=warnings)
    package.validate(warnings=warnings)
    assert warnings == []
    return package


def test_the_package_names_its_people_and_addresses(package: Package) -> None:
    assert sorted(url.type for url in package.urls) == ['bugtracker', 'repository', 'website']
    addresses = [url.url for url in package.urls]
    addresses += [person.email for person in package.maintainers]
    assert len(package.authors) == len(package.maintainers) == 1
    # One that is not filled in must not look real.
    assert not any('example.' in address for address in addresses)


def test_other_files_repeat_what_the_package_says(root: Path, package: Package) -> None:
    named = {
        url.type: url.url
        for url in package.urls
        if not urlsplit(url.url).hostname.endswith(UNKNOWN)
    }
    repository = named.get('repository')
    citation, site = (read_yaml(root / name) for name in ('CITATION.cff', 'mkdocs.yml'))
    project = re.findall(
        r'^Repository = .(.*).$', (root / 'pyproject.toml').read_text(), re.MULTILINE
    )
    written = {
        'repository-code of CITATION.cff': citation.get('repository-code'),
        'repo_url of mkdocs.yml': site.get('repo_url'),
        'Repository below [project.urls] of pyproject.toml': next(iter(project), None),
    }
    assert written == dict.fromkeys(written, repository)
    assert citation['authors'] == [{'name': person.name} for person in package.authors]
    example = parse_package(str(root / 'examples' / 'behaviour_tree_cpp' / 'package.xml'))
    assert list(map(str, example.maintainers)) == list(map(str, package.maintainers))


def test_the_package_has_the_licence_of_everything_that_is_installed(
    root: Path, package: Package
) -> None:
    licences = {licence.file: str(licence) for licence in package.licenses}
    folders = [root / name for name in ('afformer_core', 'afformer_ros', 'afformer_sim')]
    files = {path for one in folders for path in one.rglob('LICEN*') if path.suffix != '.py'}
    assert licences.keys() == {'LICENSE', *(str(path.relative_to(root)) for path in files)}
    assert licences['LICENSE'] == 'Apache-2.0'
    cards = [path.read_text() for path in (root / 'afformer_core/weights').rglob('MODEL_CARD.md')]
    stated = [re.findall(r'^\| Licence \| ([\w.-]+)', card, re.MULTILINE) for card in cards]
    assert stated == [['Apache-2.0']] * 3


def test_no_dependency_of_a_build_farm_comes_from_pip(root: Path) -> None:
    keys = declared_dependencies(root)
    assert {'rclpy', 'python3-numpy'} <= keys
    assert [key for key in keys if key and key.endswith('-pip')] == []


@pytest.mark.parametrize(
    'file', ['CONTRIBUTING.md', *(f'.github/workflows/{name}.yml' for name in WORKFLOWS)]
)
def test_targets_of_make_exist(root: Path, file: str) -> None:
    made = re.findall(r'^([a-z-]+):', (root / 'Makefile').read_text(), re.MULTILINE)
    named = re.findall(r'(?:^|run: |`)make ([a-z-]+)', (root / file).read_text(), re.MULTILINE)
    assert set(named) <= set(made)
    assert bool(named) == (Path(file).stem not in IN_CONTAINERS)


@pytest.mark.parametrize(
    'file', ['Dockerfile', '.github/workflows/ros.yml', '.github/workflows/apt.yml', 'SECURITY.md']
)
def test_named_paths_exist(root: Path, file: str) -> None:
    text = (root / file).read_text()
    paths = re.findall(r'src/afformer_ros/([a-z_]+/\S+)', text)
    paths += re.findall(r' ((?:test|tools)/\S+\w)', text)
    paths += re.findall(r'\]\(([^):]+)\)', text)
    assert paths
    missing = [path for path in paths if not (root / path).exists()]
    assert missing == []


def test_every_room_has_a_row(root: Path) -> None:
    text = (root / 'CONTRIBUTING.md').read_text()
    (table,) = re.findall(r'<!-- rooms -->\n(.*?)<!-- end of rooms -->', text, re.DOTALL)
    listed = set(re.findall(r'^\| `(\w+/\w+)` \|', table, re.MULTILINE))
    packages = ('afformer_core', 'afformer_ros', 'afformer_sim')
    rooms = {
        str(init.parent.relative_to(root))
        for package in packages
        for init in (root / package).glob('*/__init__.py')
    }
    assert listed == rooms - {'afformer_core/weights'}


def declared_dependencies(root: Path) -> set[str | None]:
    """The keys of package.xml, for rosdep."""
    package = ElementTree.parse(root / 'package.xml').getroot()
    return {one.text for one in package if one.tag.endswith('depend')}


def imported_of_ros(paths: Iterable[Path]) -> set[str]:
    """The packages of ROS that files import anywhere, by their keys."""
    imported = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                imported.add(node.module.partition('.')[0])
    return {KEYS_OF_MODULES.get(name, name) for name in imported if OF_ROS.fullmatch(name)}


def test_what_the_code_imports_of_ros_is_declared(root: Path) -> None:
    folders = ('afformer_core', 'afformer_ros', 'afformer_sim', 'examples', 'launch')
    imported = imported_of_ros(path for one in folders for path in (root / one).rglob('*.py'))
    assert {'rclpy', 'bondpy', 'tf2_ros_py', 'launch_ros'} <= imported
    assert imported <= declared_dependencies(root)


def test_what_pip_brings_is_left_to_apt_where_it_has_a_key(root: Path) -> None:
    """Then `rosdep install` and a package of apt have it too."""
    project = (root / 'pyproject.toml').read_text()
    (listed,) = re.findall(r'^dependencies = \[$(.*?)^\]$', project, re.DOTALL | re.MULTILINE)
    needed = set(re.findall(r"^  '([\w-]+)", listed, re.MULTILINE))
    assert needed == APT_KEYS.keys() | ONLY_BY_PIP
    assert set(APT_KEYS.values()) <= declared_dependencies(root)


def test_what_tests_of_colcon_import_of_ros_is_declared(root: Path) -> None:
    (folders,) = re.findall(
        r'foreach\(folder\s+(.*?)\)', (root / 'CMakeLists.txt').read_text(), re.DOTALL
    )
    paths = (path for one in folders.split() for path in (root / 'test' / one).rglob('*.py'))
    imported = imported_of_ros(paths)
    assert {'rclpy', 'sensor_msgs', 'rosgraph_msgs'} <= imported
    assert imported <= declared_dependencies(root)


CHANGELOG = '# Changes\n\n## [0.2.0] - day\n\nnew\n\n## [0.1.0]\n\nold\n'


def test_a_release_shows_its_own_section(root: Path, tmp_path: Path) -> None:
    workflow = (root / '.github/workflows/release.yml').read_text()
    (command,) = re.findall(r'^ +(sed .+ CHANGELOG\.md)', workflow, re.MULTILINE)
    (tmp_path / 'CHANGELOG.md').write_text(CHANGELOG)
    notes = [
        subprocess.check_output(
            ['bash', '-c', command], cwd=tmp_path, env=os.environ | {'VERSION': version}, text=True
        ).strip()
        for version in ('0.2.0', '0.1.0', '0.2.1')
    ]
    assert notes == ['new', 'old', '']
