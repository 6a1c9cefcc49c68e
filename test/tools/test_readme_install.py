# SPDX-License-Identifier: Apache-2.0
"""The commands by which README installs the package on a robot give a node on ONNX Runtime.

ROS 2's wheels and NumPy 1.26, as Ubuntu 24.04 has it, take the place of apt's packages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NUMPY = '1.26.4'
# Made by `make setup`, not by git.
NOT_CLONED = shutil.ignore_patterns(
    '.git', '.venv*', 'build', 'build-*', 'install', 'install-*', 'log', '__pycache__',
    '*.egg-info', 'demo_output', 'fp16', 'bf16',
)  # fmt: skip
# Commands of the block that need a network of apt, git or a robot.
NOT_RUN = re.compile(r'^(git clone|rosdep|mkdir) ')

# Configures the node and prints its log once the model is loaded.
CONFIGURE = """
import time, numpy, rclpy
from lifecycle_msgs.srv import ChangeState
rclpy.init()
node = rclpy.create_node('operator')
client = node.create_client(ChangeState, '/grounding/change_state')
assert client.wait_for_service(60)
request = ChangeState.Request()
request.transition.id = 1
future = client.call_async(request)
rclpy.spin_until_future_complete(node, future, timeout_sec=60)
assert future.result().success
end = time.monotonic() + 120
while 'model loaded with' not in (log := open('node.log').read()) and time.monotonic() < end:
    time.sleep(0.2)
print('numpy', numpy.__version__)
print(log)
"""
RUN = """
install/afformer_ros/lib/afformer_ros/grounding > node.log 2>&1 &
trap "kill $!" EXIT
python -c "$CONFIGURE"
"""


@pytest.fixture
def apt(root: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a shell on a machine with ROS 2."""
    if sys.platform != 'linux' or not (3, 11) <= sys.version_info[:2] <= (3, 12):
        pytest.skip(f'there are no wheels of ROS 2 and NumPy {NUMPY} for this Python')
    prefix = tmp_path / 'ros'
    subprocess.run([sys.executable, '-m', 'venv', prefix], check=True)
    python = prefix / 'bin' / 'python'
    distribution = os.environ.get('AFFORMER_DISTRO', 'kilted')
    requirements = root / 'tools' / 'ros_requirements' / f'{distribution}.txt'
    subprocess.run(
        [python, '-m', 'pip', 'install', '--quiet', f'numpy=={NUMPY}', '-r', requirements],
        check=True,
    )
    subprocess.run([python, root / 'tools' / 'fix_ros_prefix.py'], check=True)
    (packages,) = prefix.glob('lib/python3*/site-packages')
    home = tmp_path / 'home'
    home.mkdir()
    return {
        **{name: value for name, value in os.environ.items() if name.startswith('PIP_')},
        'HOME': str(home),
        'PATH': f'{prefix / "bin"}:/usr/local/bin:/usr/bin:/bin',
        'PYTHONPATH': str(packages),
        'AMENT_PREFIX_PATH': str(prefix),
        'CMAKE_PREFIX_PATH': str(prefix),
        'LD_LIBRARY_PATH': ':'.join([*map(str, packages.glob('ros_*.libs')), f'{prefix}/lib']),
        '_ROS_WHEELS_BOOTSTRAP_COMPLETE': '1',
        'RMW_IMPLEMENTATION': 'rmw_fastrtps_cpp',
        'ROS_DOMAIN_ID': os.environ['ROS_DOMAIN_ID'],
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'CONFIGURE': CONFIGURE,
    }


def _block(page: Path) -> str:
    (block,) = re.findall(r'<!-- install -->\n```sh\n(.*?)```', page.read_text(), re.DOTALL)
    return block


def _commands(root: Path) -> str:
    lines = ['cd ~/workspace', *_block(root / 'README.md').splitlines()]
    return '\n'.join(line for line in lines if not NOT_RUN.match(line))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_the_node_computes_with_onnx_runtime_and_the_numpy_of_apt(
    root: Path, apt: dict[str, str]
) -> None:
    workspace = Path(apt['HOME']) / 'workspace'
    shutil.copytree(root, workspace / 'src' / 'afformer_ros', ignore=NOT_CLONED)
    done = subprocess.run(
        ['bash', '-eo', 'pipefail', '-c', _commands(root) + RUN],
        env=apt,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'numpy {NUMPY}\n' in done.stdout
    assert 'model loaded with onnxruntime' in done.stdout


def test_the_commands_are_those_of_the_readme(root: Path) -> None:
    commands = _commands(root).splitlines()
    assert commands[0] == 'cd ~/workspace'
    assert 'src/afformer_ros/tools/install_beside_apt.sh' in commands
    assert commands[-1].startswith('colcon build --packages-select afformer_ros')


def test_the_page_on_installation_has_the_same_commands(root: Path) -> None:
    page = root / 'docs' / 'robot' / 'install.md'
    assert _block(page) == _block(root / 'README.md')
