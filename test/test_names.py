# SPDX-License-Identifier: Apache-2.0
"""Names of files, code, configuration, messages and options against the glossary."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

# A word that no name has, nor its plural, and the word of docs/develop/glossary.md for it.
RETIRED = {
    'picture': 'image or frame',
    'truth': 'target or supervision',
    'wanted': 'expected or target',
    'closer': 'zoomed',
    'looks': 'stages',
    'foreign': 'negative',
    'swapped': 'negative',
    'likeness': 'feature similarity',
    'resemblance': 'feature similarity',
    'references': 'golden outputs, or what is compared',
    'exhibit': 'example',
    'blind': 'baseline',
    'evidence': 'presence, and its features, scores or measures',
    'experiment': 'study, or task and configuration of a training',
    'appliance': 'scene or fixture',
    'place': 'position, point, pose, crop window, or what else it is',
    'thing': 'element or object',
    'touch': 'contact, or contact point',
    'touches': 'contacts, or contact points',
    'touched': 'in contact, or what is',
    'touching': 'in contact',
    'silence': 'zero padding, or seconds without a message',
    'finding': 'status of a component, or ranked detections',
}
RETIRED |= {f'{word}s': name for word, name in RETIRED.items()}
# Words that are retired as a whole name, and fine as a part of one.
RETIRED_ALONE = {
    'random': 'rng',
    'generator': 'rng',
    'picks': 'rng',
    'plan': 'settings, or what is planned',
    'records': 'entries, rows, or what they are',
    'method': 'variant, baseline, interpolation, or what it is',
    'sight': 'observation, or line of sight',
    'Sight': 'observation',
    'look': 'zoom stage, or a verb that says what is done',
    'Method': 'variant, or what it is',
    'Look': 'ZoomStage, or a noun that says what it is',
}
RETIRED_ALONE |= {f'{word}s': name for word, name in RETIRED_ALONE.items()}
# Names of libraries: the module `random`, the argument of PyTorch's functions, the attribute of
# Lightning's loggers, an argument of NumPy's, a method of paths, and a class of ONNX
# Runtime.
OF_LIBRARIES = {
    'plan',  # of MoveIt's PlanningComponent
    'random',
    'generator',
    'experiment',
    'method',
    'touch',
    'SessionOptions',
    'RunOptions',
}
# An action of the data sets.
ACTION = 'touch'
# Layers by their names in the weights of hand detectors, and of models that find contact.
OF_WEIGHTS = {('afformer_core/models/matching/network.py', 'touching')}
# Words that the sentences which name tests may have: verbs, and terms that are not ours.
SENTENCE = re.compile(r'_(touch(es|ed)?|looks)(?=_|$)|_in_place|_colour_blind')
# Functions that place something.
VERBS = re.compile(r'_?place_\w+')
# Classes of values that a caller gives are settings.
SETTINGS = re.compile(r'\w+(Options|Plan)')
# Classes of one of many are called what they are; to record is a verb.
RECORD = re.compile(r'\w*Record')
# Folders of the code whose public classes have unique names.
PRODUCT = ('afformer_core', 'afformer_ros', 'afformer_sim', 'launch', 'studies', 'tools')
# Folders whose loop variables may still be `each` or `one`.
UNNAMED_LOOPS = ('test',)
WORD = re.compile(r'[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+')


def problems(text: str, where: str) -> list[str]:
    """Say for each retired word of a name where it is and what it is called."""
    if (where.partition(':')[0], text) in OF_WEIGHTS or VERBS.fullmatch(text):
        return []
    if text.startswith('test_'):
        text = SENTENCE.sub('', text)
    found = [
        f'{where}: {text} has the word {word!r}; call it {RETIRED[word.lower()]}'
        for word in WORD.findall(text)
        if word.lower() in RETIRED
    ]
    if SETTINGS.fullmatch(text):
        found.append(f'{where}: {text} ends in another word; call it settings')
    if RECORD.fullmatch(text):
        found.append(f'{where}: {text} says little; call it entry, row, or what it is')
    if text in RETIRED_ALONE:
        found.append(f'{where}: {text} says little; call it {RETIRED_ALONE[text]}')
    return found


def names_in_python(source: str) -> Iterator[tuple[str, int]]:
    """Yield what a module defines or takes, with its line."""
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, 'lineno', 1)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, line
        elif isinstance(node, ast.arg | ast.keyword):
            if node.arg and not (isinstance(node, ast.keyword) and node.arg in OF_LIBRARIES):
                yield node.arg, line
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, line
        elif isinstance(node, ast.Attribute) and node.attr not in OF_LIBRARIES:
            yield node.attr, line
        elif isinstance(node, ast.Constant) and re.fullmatch(r'--[a-z][a-z-]+', str(node.value)):
            yield str(node.value), line


def names_in_lines(source: str, pattern: str) -> Iterator[tuple[str, int]]:
    """Yield what a pattern's group finds in lines, with their numbers."""
    for number, line in enumerate(source.splitlines(), 1):
        if match := re.match(pattern, line):
            yield match.group(1), number


def names_of(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the names in a file."""
    if path.suffix == '.py':
        yield from names_in_python(path.read_text())
    elif path.suffix in ('.yaml', '.yml'):
        for name, line in names_in_lines(path.read_text(), r'\s*(?:- )?([\w-]+):'):
            if name != ACTION:
                yield name, line
    elif path.suffix in ('.msg', '.srv', '.action'):
        yield from names_in_lines(path.read_text(), r'[\w/]+(?:\[\d*\])? +(\w+)')


def test_no_name_has_a_retired_word(root: Path) -> None:
    tracked = subprocess.run(
        ['git', 'ls-files'], cwd=root, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    found = [problem for path in tracked for problem in problems(Path(path).name, path)]
    for path in tracked:
        for name, line in names_of(root / path):
            found += problems(name, f'{path}:{line}')

    assert found == []


def test_a_public_class_has_a_name_of_its_own(root: Path) -> None:
    definitions: dict[str, list[str]] = defaultdict(list)
    for folder in PRODUCT:
        for path in sorted((root / folder).rglob('*.py')):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and not node.name.startswith('_'):
                    where = f'{path.relative_to(root)}:{node.lineno}'
                    definitions[node.name].append(where)

    assert {name: found for name, found in definitions.items() if len(found) > 1} == {}
    assert len(definitions) > 600


def loop_variables(source: str) -> Iterator[tuple[str, int]]:
    """Yield the variables of loops, comprehensions and lambda functions, with their lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            for name in ast.walk(node.target):
                if isinstance(name, ast.Name):
                    yield name.id, name.lineno
        elif isinstance(node, ast.Lambda):
            yield from ((argument.arg, argument.lineno) for argument in node.args.args)


def test_a_loop_variable_is_called_what_it_is(root: Path) -> None:
    tracked = subprocess.run(
        ['git', 'ls-files', '*.py'], cwd=root, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    found = [
        f'{path}:{line}'
        for path in tracked
        if not path.startswith(UNNAMED_LOOPS)
        for name, line in loop_variables((root / path).read_text())
        if name in ('each', 'one')
    ]

    assert found == []
