# SPDX-License-Identifier: Apache-2.0
"""The fields of a configuration in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any


def fields_from_json(
    configuration: Any, content: Mapping[str, Any], tuples: Sequence[str]
) -> dict[str, Any]:
    """Check the names of the fields in JSON, and convert lists to tuples.

    Args:
        configuration: data class of the configuration.
        content: fields by name.
        tuples: names of the fields that are tuples.

    Raises:
        ValueError: a field is missing or unknown.
    """
    known = {field.name for field in fields(configuration)}
    needed = {field.name for field in fields(configuration) if field.default is MISSING}
    missing, unknown = sorted(needed - set(content)), sorted(set(content) - known)
    if missing or unknown:
        raise ValueError(
            f'architecture lacks the fields {missing} and has the unknown fields {unknown}; '
            f'expected the fields of {configuration.__name__}'
        )
    return {name: tuple(value) if name in tuples else value for name, value in content.items()}
