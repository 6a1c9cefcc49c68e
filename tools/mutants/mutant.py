# SPDX-License-Identifier: Apache-2.0
"""Mutants: source files with one small mistake each, made by mutmut's operators.

mutmut skips decorated functions, defaults of data classes and module-level constants; here its
operators are applied to them as well. Parts that no test should notice are left out: texts,
annotations, decorators, and the `strict` of zip.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import libcst
from libcst import matchers
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_string

_OPERATORS = [
    (kind, operator) for kind, operator in mutation_operators if operator != operator_string
]
_STATEMENTS = (libcst.SimpleStatementLine, libcst.BaseCompoundStatement)
_LEFT_OUT = (
    matchers.Annotation()
    | matchers.Decorator()
    | matchers.FormattedString()
    | matchers.Import()
    | matchers.ImportFrom()
    # Conditions determine whether it is raised; the rest is text.
    | matchers.Raise()
    | matchers.If(test=matchers.Name('TYPE_CHECKING'))
    | matchers.Arg(keyword=matchers.Name('strict'))
    | matchers.Call(func=matchers.Name('TypeVar'))
    # type aliases
    | matchers.Assign(
        targets=[
            matchers.AssignTarget(matchers.Name(matchers.MatchRegex('_?[A-Z][A-Za-z]*[a-z]')))
        ]
    )
)


@dataclass(frozen=True)
class Change:
    """Change of a mutant, independent of the position of its lines.

    Attributes:
        file: path relative to the root of the project.
        function: qualified name of the function; '' at module level.
        line: original lines that differ, stripped and joined by spaces.
        mutant: changed lines in the same form; '' if lines are only removed.
    """

    file: str
    function: str
    line: str
    mutant: str


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """Source file with one mistake.

    Attributes:
        path: path of the file, relative to the root of the project.
        function: qualified name of the function with the mistake; '' at module level.
        line: number of the first changed line, from 1.
        lines: first and last line of its statement; a test that executes one of them executes the
            mistake.
        called: True if it is executed in a call of a function, False if on import.
    """

    path: Path
    function: str
    line: int
    lines: tuple[int, int]
    called: bool
    _original: str = field(repr=False)
    _module: libcst.Module = field(repr=False)
    _node: libcst.CSTNode = field(repr=False)
    _mutated: libcst.CSTNode = field(repr=False)

    @property
    def original_lines(self) -> list[str]:
        """Lines of the changed statement in the original, stripped."""
        lines = self._original.splitlines()[self.line - 1 : self.lines[1]]
        return [line.strip() for line in lines]

    @cached_property
    def source(self) -> str:
        """Source of the whole file with the mistake."""
        mutated = self._module.deep_replace(self._node, self._mutated)
        assert isinstance(mutated, libcst.Module)
        return mutated.code

    @property
    def is_python(self) -> bool:
        """Whether the source can be compiled, and differs from the original in meaning."""
        try:
            mutated = ast.parse(self.source)
            compile(mutated, self.path, 'exec')
            return ast.dump(mutated) != ast.dump(ast.parse(self._original))
        except SyntaxError:
            return False

    @property
    def difference(self) -> list[str]:
        """Removed lines, each after a '-', and added lines, after a '+'."""
        before, after = self._original.splitlines(), self.source.splitlines()
        lines = difflib.unified_diff(before, after, lineterm='', n=0)
        return [line for line in lines if not line.startswith(('---', '+++', '@@'))]

    @property
    def change(self) -> Change:
        """Change that identifies the mutant in a list."""
        texts = (
            ' '.join(line[1:].strip() for line in self.difference if line[0] == sign)
            for sign in '-+'
        )
        return Change(self.path.as_posix(), self.function, *texts)


def mutants_of(root: Path, path: Path) -> list[Mutant]:
    """Make all mutants of a file, in order.

    Args:
        root: root of the project.
        path: path of the file, relative to it.
    """
    original = (root / path).read_text()
    wrapper = MetadataWrapper(libcst.parse_module(original), unsafe_skip_copy=True)
    collector = _Collector(path, original, wrapper.module)
    wrapper.visit(collector)
    return collector.mutants


class _Collector(libcst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, path: Path, original: str, module: libcst.Module) -> None:
        super().__init__()
        self.mutants: list[Mutant] = []
        self._path = path
        self._original = original
        self._module = module
        self._scopes: list[libcst.FunctionDef | libcst.ClassDef] = []
        # Depth of function bodies, without defaults of arguments.
        self._bodies = 0
        self._statements: list[libcst.CSTNode] = []

    def on_visit(self, node: libcst.CSTNode) -> bool:
        if matchers.matches(node, _LEFT_OUT):
            return False
        if isinstance(node, libcst.FunctionDef | libcst.ClassDef):
            self._scopes.append(node)
        if isinstance(node, _STATEMENTS):
            self._statements.append(node)
        self._bodies += _is_body(node, self._scopes)
        for mutated in _mutations(node):
            self.mutants.append(self._mutant(node, mutated))
        return True

    def on_leave(self, original_node: libcst.CSTNode) -> None:
        if matchers.matches(original_node, _LEFT_OUT):
            return
        self._bodies -= _is_body(original_node, self._scopes)
        if isinstance(original_node, _STATEMENTS):
            self._statements.pop()
        if self._scopes and original_node is self._scopes[-1]:
            self._scopes.pop()

    def _mutant(self, node: libcst.CSTNode, mutated: libcst.CSTNode) -> Mutant:
        position, statement = self._position(node), self._position(self._statements[-1])
        return Mutant(
            path=self._path,
            function='.'.join(scope.name.value for scope in self._scopes),
            line=position.start.line,
            lines=(statement.start.line, position.end.line),
            called=self._bodies > 0,
            _original=self._original,
            _module=self._module,
            _node=node,
            _mutated=mutated,
        )

    def _position(self, node: libcst.CSTNode) -> CodeRange:
        position = self.get_metadata(PositionProvider, node)
        assert isinstance(position, CodeRange)
        return position


def _is_body(node: libcst.CSTNode, scopes: list[libcst.FunctionDef | libcst.ClassDef]) -> bool:
    return bool(scopes) and isinstance(scopes[-1], libcst.FunctionDef) and node is scopes[-1].body


def _mutations(node: libcst.CSTNode) -> Iterator[libcst.CSTNode]:
    for kind, operator in _OPERATORS:
        if isinstance(node, kind):
            for mutated in operator(node):
                if _strict(mutated) == _strict(node):
                    yield mutated


def _strict(node: libcst.CSTNode) -> list[libcst.Arg]:
    """Return the argument of zip that guards against mistakes outside the code."""
    if not isinstance(node, libcst.Call):
        return []
    expected = matchers.Arg(keyword=matchers.Name('strict'))
    return [argument for argument in node.args if matchers.matches(argument, expected)]
