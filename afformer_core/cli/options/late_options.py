# SPDX-License-Identifier: Apache-2.0
"""A parser whose costly options are added when it is used."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any


class LateOptionsParser(argparse.ArgumentParser):
    """A parser that adds some options only when it parses or describes itself.

    Options whose defaults come from modules that import large libraries would otherwise delay
    every other subcommand.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._late: list[Callable[[], None]] = []

    def add_late(self, add: Callable[[], None]) -> None:
        """Register a function that adds options."""
        self._late.append(add)

    def complete(self) -> None:
        """Add the options that are missing."""
        while self._late:
            self._late.pop(0)()

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse arguments as the base class does, with all options."""
        self.complete()
        return super().parse_known_args(args, namespace)

    def format_help(self) -> str:
        """Format the help of all options."""
        self.complete()
        return super().format_help()
