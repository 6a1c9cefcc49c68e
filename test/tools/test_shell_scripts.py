# SPDX-License-Identifier: Apache-2.0
"""The Makefile and the shell scripts of the setup, which may call scripts of the tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BROWSER_SKIPPED = 'Chromium is not installed; the tests of pages skip themselves\n'
BROWSER_INSTALLED = 'Installing the Debian package chromium\n'
RENDERING = ('libegl1', 'libegl-mesa0', 'libgl1-mesa-dri')
PIP_OUTPUT = """\
Collecting torch>=2.5 (from afformer==0.1.0)
  Downloading torch-2.9.1-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (30 kB)
Requirement already satisfied: numpy in ./.venv/lib/python3.11/site-packages (1.26.4)
Downloading torch-2.9.1-cp311-cp311-manylinux_2_28_x86_64.whl (899.8 MB)
Using cached empy-3.3.4.tar.gz (62 kB)
Installing collected packages: torch, empy
Successfully installed empy-3.3.4 torch-2.9.1
"""
# Makes an environment whose Python is that of the tests, and whose pip tells its arguments.
PYTHON3 = """
mkdir -p venv/bin
printf '#!/bin/sh\\nPYTHONPATH=%s exec %s "$@"\\n' '{installed}' '{python}' > venv/bin/python
printf '#!/bin/sh\\necho "$@" > pip_call\\n' > venv/bin/pip
chmod +x venv/bin/python venv/bin/pip
"""


class Machine:
    """A machine in a folder, whose commands may write down how they were called."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._tools, self.folder = root / 'tools', folder
        self._commands = folder / 'bin'
        self._commands.mkdir()
        for name in ('bash', 'sh', 'env', 'grep', 'dirname', 'touch', 'mkdir', 'chmod'):
            (self._commands / name).symlink_to(shutil.which(name) or '')

    @property
    def calls(self) -> str:
        path = self.folder / 'calls'
        return path.read_text() if path.exists() else ''

    def has(self, name: str, script: str = 'exit 0') -> Path:
        return write_script(self._commands / name, script)

    def lacks(self, name: str) -> None:
        (self._commands / name).unlink()

    def entries(self, name: str, script: str = 'exit 0') -> None:
        self.has(name, f'echo "{name} $*" >> {self.folder / "calls"}; {script}')

    def installed(self, *packages: str) -> None:
        known = '|'.join(packages) or 'none'
        self.has('dpkg-query', f'case "$4" in {known}) printf installed ;; *) exit 1 ;; esac')

    def run(
        self, tool: str, *arguments: str | Path, **variables: str | Path
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._tools / tool, *arguments],
            cwd=self.folder,
            env={'PATH': str(self._commands), **variables},
            capture_output=True,
            text=True,
            check=False,
        )


def write_script(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{script}\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(root: Path, tmp_path: Path) -> Machine:
    """A machine of root."""
    made = Machine(root, tmp_path)
    made.has('id', 'echo 0')
    return made


@pytest.fixture
def debian(machine: Machine) -> Machine:
    """The same with all but packages for rendering."""
    for name in ('python', 'cmake', 'cc', 'c++'):
        machine.has(name)
    machine.installed()
    return machine


@pytest.mark.parametrize(
    ('found', 'complaint'),
    [
        ('3 11 CPython Linux x86_64', ''),
        ('3 14 CPython Linux x86_64', ''),
        ('3 10 CPython Linux x86_64', 'is CPython 3.10'),
        ('3 15 CPython Linux x86_64', 'is CPython 3.15'),
        ('3 11 PyPy Linux x86_64', 'is PyPy 3.11'),
        ('3 11 CPython Linux aarch64', 'this is Linux on aarch64'),
        ('3 12 CPython Darwin x86_64', 'this is Darwin on x86_64'),
    ],
)
def test_pythons_without_ros_wheels_are_refused(
    machine: Machine, found: str, complaint: str
) -> None:
    done = machine.run('check_python.sh', machine.has('python', f"echo '{found}'"))
    assert done.returncode == bool(complaint)
    assert complaint in done.stderr


def test_a_real_python_is_told_by_its_version_and_an_absent_one_by_its_name(
    machine: Machine,
) -> None:
    accepted = (3, 11) <= sys.version_info[:2] <= (3, 14)
    assert (machine.run('check_python.sh', sys.executable).returncode == 0) == accepted
    done = machine.run('check_python.sh', '/nowhere/python3')
    assert done.returncode == 1
    assert "'/nowhere/python3' does not run" in done.stderr


@pytest.mark.parametrize(
    ('made_in', 'asked', 'said'),
    [
        ('.', None, ''),
        ('elsewhere', None, 'FORCE\n'),
        ('', None, 'FORCE\n'),
        ('.', '/usr 3 11 2', ''),
        ('.', '/usr 3 12 1', 'FORCE\n'),
        ('.', '/opt 3 11 2', 'FORCE\n'),
        # A Python that does not run is left to the check that names it.
        ('.', '', 'FORCE\n'),
    ],
)
def test_an_environment_is_stale_where_it_was_moved_or_another_python_is_asked_for(
    root: Path, tmp_path: Path, made_in: str, asked: str | None, said: str
) -> None:
    if made_in:
        write_script(tmp_path / '.venv' / 'bin' / 'python', "echo '/usr 3 11 2'")
        created = tmp_path if made_in == '.' else tmp_path / made_in
        (tmp_path / '.venv' / '.created').write_text(f'{created}\n')
    python = tmp_path / 'python3'
    if asked:
        write_script(python, f"echo '{asked}'")
    command = [root / 'tools' / 'environment_is_stale.sh', '.venv']
    command += [] if asked is None else [python]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout == said


def test_only_the_record_of_an_interrupted_installation_is_removed(
    root: Path, tmp_path: Path
) -> None:
    packages = tmp_path / 'lib' / 'python3.11' / 'site-packages'
    for name in ('whole-1.0.dist-info', 'half-2.0.dist-info'):
        (packages / name).mkdir(parents=True)
        (packages / name / 'METADATA').write_text('Name: x\n')
    (packages / 'whole-1.0.dist-info' / 'INSTALLER').write_text('pip\n')
    tool = root / 'tools' / 'drop_incomplete_packages.sh'
    run = subprocess.run([tool, tmp_path], check=True, capture_output=True, text=True)
    assert sorted(path.name for path in packages.iterdir()) == ['whole-1.0.dist-info']
    assert run.stdout == 'Installing half-2.0 again, its installation was interrupted\n'


def test_packages_that_pip_installs_are_shown_with_their_sizes(root: Path) -> None:
    tool = root / 'tools' / 'show_installation.sh'
    shown = subprocess.run([tool], input=PIP_OUTPUT, check=True, capture_output=True, text=True)
    assert shown.stdout == (
        '  torch-2.9.1 (899.8 MB)\n  empy-3.3.4.tar.gz (62 kB)\n  unpacking ...\n'
    )


@pytest.mark.parametrize(
    ('system', 'browser', 'apt', 'said', 'calls'),
    [
        ('debian', '', 'exit 0', BROWSER_INSTALLED, 2),
        ('debian', 'chromium', 'exit 0', '', 0),
        ('debian', 'google-chrome', 'exit 0', '', 0),
        ('ubuntu', '', 'exit 0', BROWSER_SKIPPED, 0),
        # Without a network the tests go on.
        ('debian', '', 'exit 100', BROWSER_INSTALLED + BROWSER_SKIPPED, 1),
    ],
)
def test_a_browser_is_installed_on_debian_alone_and_once(
    machine: Machine, system: str, browser: str, apt: str, said: str, calls: int
) -> None:
    machine.entries('apt-get', apt)
    if browser:
        machine.has(browser)
    release = machine.folder / 'os-release'
    release.write_text(f'NAME=some\nID={system}\n')
    done = machine.run('install_browser.sh', OS_RELEASE=str(release))
    assert (done.returncode, done.stdout) == (0, said)
    expected = ['update -qq', 'install -y -qq --no-install-recommends chromium'][:calls]
    assert machine.calls.splitlines() == [f'apt-get {one}' for one in expected]


@pytest.mark.parametrize(
    ('installed', 'missing'), [(RENDERING, ''), (RENDERING[:1], 'libegl-mesa0 libgl1-mesa-dri')]
)
def test_debian_packages_that_are_missing_are_named_and_installed(
    debian: Machine, installed: tuple[str, ...], missing: str
) -> None:
    debian.installed(*installed)
    debian.entries('apt-get')
    done = debian.run('install_system_packages.sh', 'python')
    assert done.returncode == 0
    assert done.stdout == (f'Installing Debian packages: {missing}\n' if missing else '')
    expected = ['update -qq', f'install -y -qq --no-install-recommends {missing}']
    assert debian.calls.splitlines() == [f'apt-get {one}' for one in expected if missing]


@pytest.mark.parametrize(
    ('tool', 'packages'),
    [('cmake', 'cmake'), ('cc', 'g++'), ('c++', 'g++'), ('', 'python3-venv python3-dev')],
)
def test_what_compiles_the_messages_is_installed(
    debian: Machine, tool: str, packages: str
) -> None:
    debian.installed(*RENDERING)
    if tool:
        debian.lacks(tool)
        without_apt = debian.run('install_system_packages.sh', 'python')
        assert without_apt.returncode == 1
        assert without_apt.stderr.endswith(f'install the equivalents of: {packages}\n')
    else:
        debian.has('python', 'exit 1')
    debian.entries('apt-get')
    done = debian.run('install_system_packages.sh', 'python')
    assert done.stdout == f'Installing Debian packages: {packages}\n'


def test_another_user_than_root_needs_sudo_and_another_system_is_told(debian: Machine) -> None:
    done = debian.run('install_system_packages.sh', 'python')
    assert done.returncode == 0
    assert done.stdout.startswith('Not a Debian-like system')
    assert ' '.join(RENDERING) in done.stdout

    debian.has('id', 'echo 1000')
    debian.entries('apt-get')
    done = debian.run('install_system_packages.sh', 'python')
    assert done.returncode == 1
    assert f'apt-get install {" ".join(RENDERING)}' in done.stderr

    debian.entries('sudo')
    assert debian.run('install_system_packages.sh', 'python').returncode == 0
    assert debian.calls.startswith('sudo apt-get update')


@pytest.mark.parametrize(
    ('package', 'installed', 'constraints'),
    [
        ('libc6', {'numpy': '1.21.5', 'torch': '2.1.2'}, 'numpy==1.*\n'),
        (
            'nvidia-l4t-core',
            {'numpy': '1.26.4', 'torch': '2.8.0', 'torchvision': '0.23.0'},
            'numpy==1.*\ntorch==2.8.0\ntorchvision==0.23.0\n',
        ),
        ('nvidia-l4t-core', {'numpy': '1.26.4', 'torch': '2.8.0'}, ''),
    ],
    ids=['major release of NumPy', 'PyTorch of a Jetson', 'Jetson without PyTorch'],
)
def test_pip_replaces_neither_the_major_release_of_numpy_nor_nvidias_pytorch(
    machine: Machine, root: Path, package: str, installed: dict[str, str], constraints: str
) -> None:
    folder, metadata = machine.folder, machine.folder / 'installed'
    for name, version in installed.items():
        (metadata / f'{name}-{version}.dist-info').mkdir(parents=True)
        (metadata / f'{name}-{version}.dist-info' / 'METADATA').write_text(
            f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
        )
    machine.has('dpkg-query', f'test "$2" = {package}')
    machine.has('python3', PYTHON3.format(installed=metadata, python=f'{sys.executable} -S'))
    done = machine.run('install_beside_apt.sh', 'export')
    if constraints:
        assert done.returncode == 0, done.stderr
        assert (folder / 'constraints.txt').read_text() == constraints
        called = f'install --constraint constraints.txt {root}[export]\n'
        assert (folder / 'pip_call').read_text() == called
        assert (folder / 'venv' / 'COLCON_IGNORE').exists()
    else:
        assert done.returncode == 1
        assert done.stderr.startswith('error: torchvision is not installed; expected that of')
        assert not (folder / 'pip_call').exists()


def _make(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ['make', '--dry-run', '--always-make', *words]
    # `make test` passes its own words on.
    environment = {
        name: value for name, value in os.environ.items() if name not in ('MAKEFLAGS', 'DISTRO')
    }
    return subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.parametrize(
    ('words', 'suffix', 'distribution'),
    [([], '', 'kilted'), (['DISTRO=jazzy'], '-jazzy', 'jazzy')],
)
def test_a_distribution_has_its_folders_and_its_wheels(
    root: Path, words: list[str], suffix: str, distribution: str
) -> None:
    recipe = _make(root, 'setup', *words).stdout
    assert re.findall(r'-m venv --clear (\S+)', recipe) == [f'.venv{suffix}']
    bases = re.findall(r'--(?:build|install)-base (\S+)', recipe)
    assert bases == 2 * [f'build{suffix}/colcon', f'install{suffix}']
    assert set(re.findall(r'--requirement (\S+)', recipe)) == {
        f'tools/ros_requirements/{distribution}.txt'
    }
    assert (
        re.findall(r'rm -rf (build\S* \S+)', recipe)[0] == f'build{suffix}/colcon install{suffix}'
    )


def test_another_distribution_is_refused(root: Path) -> None:
    made = _make(root, 'setup', 'DISTRO=foxy')
    assert made.returncode != 0
    assert 'DISTRO is foxy; expected jazzy kilted' in made.stderr
