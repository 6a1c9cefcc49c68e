# SPDX-License-Identifier: Apache-2.0
"""Sourcing the environment puts this project first, once, and in place of an apt ROS 2."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

MIDDLEWARE = 'RMW_IMPLEMENTATION'
TRANSPORTS = 'FASTDDS_BUILTIN_TRANSPORTS'
PROFILES = 'FASTDDS_DEFAULT_PROFILES_FILE'
PROFILES_OF_JAZZY = 'FASTRTPS_DEFAULT_PROFILES_FILE'


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """A project of the same shape as a built one, in a folder with a blank in its name."""
    project = tmp_path / 'my project'
    for suffix in ('', '-jazzy'):
        packages = f'install{suffix}/afformer_ros/lib/python3.12/site-packages'
        (project / packages).mkdir(parents=True)
        (project / f'.venv{suffix}' / 'lib').mkdir(parents=True)
    (project / 'tools').mkdir()
    environment = (root / 'tools' / 'environment.sh').read_text()
    (project / 'tools' / 'environment.sh').write_text(environment)
    return project


SOURCE = 'source tools/environment.sh\n'
JAZZY = f'AFFORMER_DISTRO=jazzy {SOURCE}'


def _sourced(project: Path, variable: str, source: str = SOURCE, **before: str) -> str:
    script = f'set -eu\n{source}printf %s "${variable}"'
    command, environment = ['bash', '-c', script], {'PATH': '/usr/bin:/bin', **before}
    return subprocess.check_output(
        command, cwd=project, env=environment, stderr=subprocess.PIPE, text=True
    )


def test_the_source_tree_precedes_the_install_space(project: Path) -> None:
    packages = project / 'install/afformer_ros/lib/python3.12/site-packages'
    expected = f'{project}:{packages}:/other'
    assert _sourced(project, 'PYTHONPATH', PYTHONPATH='/other') == expected


def test_a_second_time_changes_nothing(project: Path) -> None:
    once = _sourced(project, 'AMENT_PREFIX_PATH')
    assert once == f'{project}/install/afformer_ros:{project}/.venv'
    assert _sourced(project, 'AMENT_PREFIX_PATH', SOURCE * 2) == once
    path = _sourced(project, 'PYTHONPATH', PYTHONPATH='/other')
    assert _sourced(project, 'PYTHONPATH', SOURCE * 2, PYTHONPATH='/other') == path


def test_jazzy_has_folders_of_its_own(project: Path) -> None:
    assert _sourced(project, 'VIRTUAL_ENV', JAZZY) == f'{project}/.venv-jazzy'
    packages = project / 'install-jazzy/afformer_ros/lib/python3.12/site-packages'
    assert _sourced(project, 'PYTHONPATH', JAZZY) == f'{project}:{packages}'


@pytest.mark.parametrize('variable', ['PATH', 'AMENT_PREFIX_PATH', 'PYTHONPATH'])
def test_one_distribution_replaces_the_other(project: Path, variable: str) -> None:
    jazzy = _sourced(project, variable, JAZZY)
    assert _sourced(project, variable, SOURCE + JAZZY) == jazzy
    assert _sourced(project, variable, JAZZY + SOURCE) == _sourced(project, variable)


def test_an_apt_ros_gives_way_and_an_overlay_stays(project: Path) -> None:
    found = _sourced(
        project, 'AMENT_PREFIX_PATH', AMENT_PREFIX_PATH='/opt/ros/jazzy:/overlay:/opt/ros/jazzy/x'
    )
    assert found == f'{project}/install/afformer_ros:{project}/.venv:/overlay'


def test_publishers_of_this_environment_get_transports_that_carry_images(project: Path) -> None:
    assert _sourced(project, PROFILES) == f'{project}/config/fastdds.xml'
    assert _sourced(project, PROFILES_OF_JAZZY, JAZZY) == f'{project}/config/fastdds.xml'
    # Fast DDS 3 warns of the other name.
    assert _sourced(project, f'{{{PROFILES_OF_JAZZY}:-unset}}') == 'unset'
    assert _sourced(project, f'{{{TRANSPORTS}:-unset}}') == 'unset'


def test_a_middleware_of_the_user_is_kept(project: Path) -> None:
    assert _sourced(project, MIDDLEWARE) == 'rmw_fastrtps_cpp'
    chosen = {MIDDLEWARE: 'rmw_cyclonedds_cpp'}
    assert _sourced(project, MIDDLEWARE, **chosen) == 'rmw_cyclonedds_cpp'


def test_transports_and_profiles_of_the_user_are_kept(project: Path) -> None:
    chosen = {TRANSPORTS: 'UDPv4'}
    assert _sourced(project, TRANSPORTS, **chosen) == 'UDPv4'
    assert _sourced(project, f'{{{PROFILES}:-unset}}', **chosen) == 'unset'
    for name in (PROFILES, PROFILES_OF_JAZZY):
        assert _sourced(project, name, **{name: '/etc/robot.xml'}) == '/etc/robot.xml'


@pytest.mark.parametrize(
    ('source', 'folder', 'command'),
    [(SOURCE, '.venv', 'make setup'), (JAZZY, '.venv-jazzy', 'make setup DISTRO=jazzy')],
)
def test_without_setup_it_says_what_to_do(
    project: Path, source: str, folder: str, command: str
) -> None:
    (project / folder / 'lib').rmdir()
    with pytest.raises(subprocess.CalledProcessError) as error:
        _sourced(project, 'PATH', source)
    assert f"{folder} does not exist; run '{command}' there first" in error.value.stderr
