# SPDX-License-Identifier: Apache-2.0
"""Whatever shell commands our pages show, the programs that they name would take them."""

from __future__ import annotations

import argparse
import importlib
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from afformer_ros.action import OperateElement
from builtin_interfaces.msg import Duration

from afformer_core.cli.main import build_parser
from afformer_core.errors import AfformerError
from afformer_ros.commands import build_parser as build_command_parser
from afformer_ros.commands import executable_arguments, filled_request
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.interfaces import ACTIONS, SERVICES
from afformer_ros.parameter_fields import constraints_of
from afformer_ros.planner.operate_action import NAME as OPERATE
from afformer_ros.planner.parameters import PlannerParameters
from afformer_ros.player.player_node import PlayerParameters
from afformer_ros.sim_robot.parameters import SimRobotParameters

PACKAGE = 'afformer_ros'
PARSER = build_parser()
LOAD = '/grounding/load_demonstration afformer_ros/action/LoadDemonstration'
SELECT = '/grounding/select_demonstration afformer_ros/srv/SelectDemonstration'
# Commands that are not looked into, and why.
TAKEN_AS_THEY_ARE = {
    'cd': 'a folder of the reader',
    'export': 'a variable of the shell',
    'git': "the address is the reader's",
    'mkdir': 'a folder of the reader',
    'touch': 'a file of the reader',
}
PARAMETERS = {
    'grounding': GroundingParameters,
    'sim_robot': SimRobotParameters,
    'planner': PlannerParameters,
    'player': PlayerParameters,
}
OPTIONS_OF_BAG_RECORD = {'-s': 1, '-d': 1, '-o': 1}

Check = Callable[[Sequence[str], Path], None]


def afformer_parses(words: Sequence[str], root: Path) -> None:
    arguments = PARSER.parse_args(words)
    if words[0] == 'train':
        training_parses(arguments.arguments)


def training_parses(words: Sequence[str]) -> None:
    """Every option and file, without making what they ask for."""
    command = importlib.import_module('afformer_core.offline.training.command')
    tasks = importlib.import_module('afformer_core.offline.training.training_cli').TASKS
    with pytest.MonkeyPatch.context() as patch:
        for kind in tasks.values():
            patch.setattr(kind, 'instantiate_classes', lambda self: None)
        command.parse_training(words)


def make_has_the_target(words: Sequence[str], root: Path) -> None:
    makefile = (root / 'Makefile').read_text()
    variables = [word.partition('=')[0] for word in words if '=' in word]
    for name in variables:
        assert re.search(rf'^{name} \?=', makefile, re.MULTILINE), f'Makefile has no {name} ?='
    command = ['make', '--dry-run', *words]
    made = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


def tool_of_uv_knows_the_extras(words: Sequence[str], root: Path) -> None:
    assert words[0] == 'tool'
    pip_knows_the_extras(words[1:], root)


def pip_knows_the_extras(words: Sequence[str], root: Path) -> None:
    assert words[0] == 'install'
    text = (root / 'pyproject.toml').read_text()
    _, _, optional = text.partition('[project.optional-dependencies]')
    extras_there_are = set(re.findall(r'^([\w-]+) = \[', optional, re.MULTILINE))
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if word == '--constraint':
            assert rest.pop(0).endswith('.txt')
            continue
        if word == '--index-url':
            assert rest.pop(0).startswith('https://')
            continue
        if re.fullmatch(r'[\w-]+==[\d.]+', word):
            # Packages of others are named with their release.
            continue
        if word.startswith('-'):
            assert word in ('--user', '--break-system-packages', '--no-deps', '-e', '-U')
            continue
        path, _, extras = word.partition('[')
        assert path in ('.', f'./src/{PACKAGE}', f'src/{PACKAGE}')
        named = set(filter(None, extras.rstrip(']').split(',')))
        assert named <= extras_there_are


def extras_exist(words: Sequence[str], root: Path) -> None:
    assert len(words) < 2
    pip_knows_the_extras(['install', f'.[{",".join(words)}]'], root)


def python_takes_it(words: Sequence[str], root: Path) -> None:
    if words[0] == '-c':
        compile(words[1], 'the command', 'exec')
    elif words[:2] == ['-m', PACKAGE]:
        command_is_carried_out(words[2:])
    elif words[0] == '-m' and words[1].startswith(f'{PACKAGE}.executables.'):
        executable_takes_parameters(
            ['run', PACKAGE, words[1].rpartition('.')[2], *words[2:]], root
        )
    elif words[0] == '-m' and words[1].startswith(('studies.', 'tools.')):
        module = root / words[1].replace('.', '/')
        assert any(path.is_file() for path in (module.with_suffix('.py'), module / '__main__.py'))
    elif words[0].endswith('.py'):
        assert (root / words[0]).is_file()
    else:
        assert words[:2] == ['-m', 'venv']
        assert set(words[2:-1]) <= {'--system-site-packages'}


def command_is_carried_out(words: Sequence[str]) -> None:
    """Whether the parser and what follows it accept the words, without a node."""
    options = build_command_parser().parse_args(words)
    if options.command == 'ground':
        executable_arguments(options.arguments)
    else:
        filled_request(SERVICES[options.service], options.request)


def rosdep_takes_it(words: Sequence[str], root: Path) -> None:
    assert words == ['install', '--from-paths', 'src', '--ignore-src', '-y']


def dockerfile_has_the_arguments(words: Sequence[str], root: Path) -> None:
    arguments = re.findall(r'^ARG (\w+)=', (root / 'Dockerfile').read_text(), re.MULTILINE)
    assert words[0] == 'build'
    assert words[-1] == '.'
    for option, value in zip(words[1:-1:2], words[2:-1:2], strict=True):
        assert option in ('--build-arg', '--tag')
        assert option == '--tag' or value.partition('=')[0] in arguments


def colcon_takes_it(words: Sequence[str], root: Path) -> None:
    assert words[0] in ('build', 'test')
    name = ElementTree.parse(root / 'package.xml').findtext('name')
    if '--packages-select' in words:
        assert words[words.index('--packages-select') + 1] == name
    colcon = shutil.which('colcon')
    if colcon is None:
        pytest.skip('colcon is not installed')
    text = subprocess.run(
        [colcon, words[0], '--help'], capture_output=True, text=True, check=False
    ).stdout
    for word in words[1:]:
        assert not word.startswith('-') or f'{word} ' in text, f'colcon {words[0]} has no {word}'


def sourced_file_exists(words: Sequence[str], root: Path) -> None:
    (path,) = words
    made = ('install/setup.bash', 'venv/bin/activate')
    made_by_ros = path in made or re.match(r'/opt/ros/\S+/setup\.bash$', path)
    assert made_by_ros or (root / path).is_file()


def ros2_takes_it(words: Sequence[str], root: Path) -> None:
    check = ROS2.get(' '.join(words[:2]), ROS2.get(words[0]))
    assert check is not None, (
        f'ros2 {" ".join(words[:2])} is not known here; add how it is checked'
    )
    check(words, root)


def launch_file_is_ours(words: Sequence[str], root: Path) -> None:
    _, package, file, *arguments = words
    assert package == PACKAGE
    assert (root / 'launch' / file).is_file()
    assert all(':=' in argument for argument in arguments)


def service_is_called_as_it_is(words: Sequence[str], root: Path) -> None:
    _, _, name, kind, *content = words
    if name == '/planner/retract':
        assert (kind, content) == ('std_srvs/srv/Trigger', [])
        return
    node, _, last = name.rpartition('/')
    assert node.endswith('/grounding')
    service = SERVICES[last]
    assert kind == f'{PACKAGE}/srv/{service.__name__}'
    fields = service.Request.get_fields_and_field_types()
    for text in content:
        given = yaml.safe_load(text)
        assert isinstance(given, dict)
        assert set(given) <= set(fields), f'{kind} has no {set(given) - set(fields)}'
        for field, value in given.items():
            setattr(service.Request(), field, value)


def goal_is_sent_as_it_is(words: Sequence[str], root: Path) -> None:
    _, _, *words = [word for word in words if word != '--feedback']
    name, kind, content = words
    actions = {f'/grounding/{last}': action for last, action in ACTIONS.items()}
    actions[f'/planner/{OPERATE}'] = OperateElement
    action = actions[name]
    assert kind == f'{PACKAGE}/action/{action.__name__}'
    fields = action.Goal.get_fields_and_field_types()
    given = yaml.safe_load(content)
    assert set(given) <= set(fields), f'{kind} has no {set(given) - set(fields)}'
    for field, value in given.items():
        if isinstance(value, dict):
            assert fields[field] == 'builtin_interfaces/Duration'
            value = Duration(**value)
        setattr(action.Goal(), field, value)


def settings_of_a_recording(words: Sequence[str], root: Path) -> None:
    """Without ros2bag the options are those that its help lists."""
    rest = list(words[2:])
    while rest and rest[0].startswith('-'):
        taken = OPTIONS_OF_BAG_RECORD[rest.pop(0)]
        del rest[:taken]
    assert rest
    assert all(topic.startswith('/') for topic in rest)


def package_is_ours(words: Sequence[str], root: Path) -> None:
    assert words[-1] == PACKAGE


def parameter_is_declared(words: Sequence[str], root: Path) -> None:
    _, _, node, name, *values = words
    assert node == '/grounding'
    limits = constraints_of(GroundingParameters)[name].limits
    for value in values:
        assert limits is None or limits[0] <= float(value) <= limits[1]


def executable_takes_parameters(words: Sequence[str], root: Path) -> None:
    _, package, executable, ros_args, *arguments = words
    assert package == PACKAGE
    assert (root / 'afformer_ros' / 'executables' / f'{executable}.py').is_file()
    assert ros_args == '--ros-args'
    known = constraints_of(PARAMETERS[executable])
    for option, argument in zip(arguments[::2], arguments[1::2], strict=True):
        name, _, value = argument.partition(':=')
        if option == '--params-file':
            continue
        if option == '-r':
            assert (name, value[:1]) == ('image', '/')
            continue
        assert option == '-p'
        given = yaml.safe_load(value)
        assert name in known, f'{executable} has no parameter {name}'
        known[name].check(name, tuple(given) if isinstance(given, list) else given)


ROS2: Mapping[str, Check] = {
    'run': executable_takes_parameters,
    'launch': launch_file_is_ours,
    'service call': service_is_called_as_it_is,
    'action send_goal': goal_is_sent_as_it_is,
    'bag record': settings_of_a_recording,
    'pkg prefix': package_is_ours,
    'param set': parameter_is_declared,
    'param get': parameter_is_declared,
}
CHECKS: Mapping[str, Check] = {
    'afformer': afformer_parses,
    'make': make_has_the_target,
    'pip': pip_knows_the_extras,
    'pipx': pip_knows_the_extras,
    'uv': tool_of_uv_knows_the_extras,
    f'src/{PACKAGE}/tools/install_beside_apt.sh': extras_exist,
    'colcon': colcon_takes_it,
    'docker': dockerfile_has_the_arguments,
    'python': python_takes_it,
    'python3': python_takes_it,
    'rosdep': rosdep_takes_it,
    'source': sourced_file_exists,
    'ros2': ros2_takes_it,
}


def check(words: Sequence[str], root: Path) -> None:
    """Fail where a command is not what its program takes.

    Args:
        words: of the command.
        root: folder of the project.
    """
    name, *arguments = words
    if name in TAKEN_AS_THEY_ARE:
        return
    assert name in CHECKS, f'{name} is no command that is known here; say how to check it'
    try:
        CHECKS[name](arguments, root)
    except SystemExit as left:
        pytest.fail(f'{" ".join(words)}: its parser exits with {left.code}')


def check_all(block: Any, root: Path, folder: Path) -> None:
    """Fail where a block has no command, or one that its program does not take."""
    commands = block.commands(folder)
    assert commands
    for words in commands:
        check(words, root)


def test_bash_can_read_the_block(block: Any) -> None:
    assert block.complaints() == ''


@pytest.mark.filterwarnings("ignore:LightningCLI's args parameter")
def test_every_command_would_be_taken(
    block: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Paths of the commands are relative to a clone.
    monkeypatch.chdir(root)
    check_all(block, root, tmp_path)


def test_launch_arguments_are_declared(
    block: Any, tmp_path: Path, launch_arguments: Callable[[str], Mapping[str, list[str] | None]]
) -> None:
    """`ros2 launch` takes an argument that no file declares without a word."""
    for words in block.commands(tmp_path):
        if words[:2] == ['ros2', 'launch']:
            refuse_undeclared(words[4:], launch_arguments(words[3]))


def refuse_undeclared(arguments: Sequence[str], declared: Mapping[str, list[str] | None]) -> None:
    """Fail where a launch file does not declare an argument, or refuses its value."""
    for argument in arguments:
        name, _, value = argument.partition(':=')
        assert name in declared, f'{name} is not declared'
        choices = declared[name]
        assert choices is None or value in choices, f'{argument} is refused'


def test_options_in_sentences_exist(page: str, root: Path) -> None:
    """Of commands that are named in a line, some only in part."""
    text = re.sub(r'^```.*?^```$', '', (root / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    parsers = subcommands(PARSER)
    makefile = (root / 'Makefile').read_text()
    for span in re.findall(r'`([^`]+)`', text):
        words = span.split()
        if words[0] == 'make' and len(words) > 1:
            assert re.search(rf'^{words[1]}:', makefile, re.MULTILINE), f'no target {words[1]}'
        if words[0] != 'afformer' or len(words) == 1:
            continue
        # The card of the shipped weights lists the commands with which they were made.
        if words[1] == 'average' and page.endswith('MODEL_CARD.md'):
            continue
        assert words[1] in (*parsers, '--help'), f'no subcommand {words[1]}'
        if words[1] in ('train', 'cache', '--help'):
            continue
        known = parsers[words[1]]._option_string_actions
        given = [word.partition('=')[0] for word in words[2:] if word.startswith('--')]
        assert set(given) <= set(known), span


def subcommands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """Parsers by name."""
    (action,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return action.choices


@pytest.mark.filterwarnings("ignore:LightningCLI's args parameter")
@pytest.mark.parametrize(
    'command',
    [
        'afformer evaluate --benchmrk simulated',
        'afformer train -c config/train/simulated/tuned.yaml --trainer.max_stps 3',
        'make no_such_target',
        'make demo VIDOE=a.mp4',
        "pip install '.[no_such_extra]'",
        'docker build --build-arg ROS_DISTRIBUTION=humble .',
        'source tools/no_such.sh',
        'ros2 launch afformer_ros grounds.launch.py',
        'ros2 launch afformer_ros ground.launch.py rviz=true',
        'ros2 service call /grounding/load_demonstration afformer_ros/srv/StartDemonstration',
        f'ros2 service call {SELECT} "{{demonstration: b}}"',
        f'ros2 action send_goal {LOAD} "{{file: a}}"',
        'ros2 run afformer_ros sim_robot --ros-args -p scenes:=1',
        'ros2 param set /grounding peak_tolerance 1000',
        'ros2 no such',
        'python -m studies.no_such',
        'python -m afformer_ros ground rviz:=true',
        'python -m afformer_ros call start_demonstration "{title: espresso}"',
        'python -m afformer_ros.executables.player --ros-args -p file:=a.mp4',
        'no_such_command',
        'config/train/simulated/tuned.yaml --data.seed 3',
    ],
)
def test_wrong_commands_are_found(
    blocks_of: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(root)
    (block,) = blocks_of(f'# page\n\n```sh\n{command}\n```\n')
    with pytest.raises((AssertionError, KeyError, AfformerError, pytest.fail.Exception)):
        check_all(block, root, tmp_path)


def test_a_block_is_read_as_bash_reads_it(blocks_of: Any, tmp_path: Path) -> None:
    (block,) = blocks_of(
        'Text.\n\n```bash\nmore="--b 1 \\\n    --c 2"\n'
        'afformer x $more \\\n    "a b"   # why\n$ make y && ros2 z\n```\n'
    )
    assert block.line == 4
    assert block.commands(tmp_path) == [
        ['afformer', 'x', '--b', '1', '--c', '2', 'a b'],
        ['make', 'y'],
        ['ros2', 'z'],
    ]
