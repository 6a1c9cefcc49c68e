# SPDX-License-Identifier: Apache-2.0
"""Licences of data and weights, and their terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

UNKNOWN = 'unknown'

Terms = Literal['permissive', 'share-alike', 'non-commercial', 'unknown']
"""Terms of a licence, from the most permissive; the first permits any use with attribution."""

# In lower case; SPDX identifiers are the same in any.
_PERMISSIVE = {
    '0bsd', 'apache-2.0', 'bsd-2-clause', 'bsd-3-clause', 'cc-by-2.0', 'cc-by-3.0', 'cc-by-4.0',
    'cc0-1.0', 'cdla-permissive-1.0', 'cdla-permissive-2.0', 'isc', 'mit', 'odc-by-1.0', 'own',
    'pddl-1.0', 'unlicense',
}  # fmt: skip
_SHARE_ALIKE = ('agpl-', 'cc-by-sa-', 'cdla-sharing-', 'gpl-', 'lgpl-', 'mpl-', 'odbl-')
_NON_COMMERCIAL = ('cc-by-nc', 'polyform-noncommercial-')


def terms_of(licence: str) -> Terms:
    """Return the terms of a licence.

    Args:
        licence: an SPDX identifier, case-insensitive; `own` for your own recordings; any other
            name has unknown terms.
    """
    name = licence.strip().lower()
    if name in _PERMISSIVE:
        return 'permissive'
    if name.startswith(_SHARE_ALIKE):
        return 'share-alike'
    return 'non-commercial' if name.startswith(_NON_COMMERCIAL) else 'unknown'


@dataclass(frozen=True, order=True)
class Origin:
    """A source of data or weights, and its licence.

    Attributes:
        source: name of the dataset or package, or of your own folder; not empty.
        licence: an SPDX identifier such as `CC-BY-4.0`, `own` for your own recordings, another
            short name, or `unknown`; not empty.

    Raises:
        ValueError: a name is empty or has several lines.
    """

    source: str
    licence: str = UNKNOWN

    def __post_init__(self) -> None:
        for name in ('source', 'licence'):
            value = getattr(self, name)
            if not value.strip() or len(value.splitlines()) > 1:
                raise ValueError(f'{name} is {value!r}; expected a name of one line')

    @property
    def terms(self) -> Terms:
        """The terms of the licence."""
        return terms_of(self.licence)


UNKNOWN_ORIGIN = Origin(UNKNOWN)

Use = Literal['training data', 'validation data', 'backbone weights']
_USES: tuple[Use, ...] = ('training data', 'validation data', 'backbone weights')


@dataclass(frozen=True, order=True)
class Ingredient:
    """Data or weights from which a model was made.

    Attributes:
        use: use of the ingredient.
        origin: source and licence.
        samples: number of samples; 0 for weights, and if it is not known.

    Raises:
        ValueError: the use is unknown, or the number is negative.
    """

    use: Use
    origin: Origin
    samples: int = 0

    def __post_init__(self) -> None:
        if self.use not in _USES:
            raise ValueError(f'use is {self.use!r}; expected one of {", ".join(_USES)}')
        if self.samples < 0:
            raise ValueError(f'samples are {self.samples}; expected at least 0')

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Ingredient:
        """Read the result of `to_json`.

        Raises:
            KeyError: a field is missing.
            TypeError, ValueError: a field has the wrong type or is out of range.
        """
        origin = Origin(str(fields['source']), str(fields['licence']))
        return cls(fields['use'], origin, int(fields.get('samples', 0)))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        fields: dict[str, Any] = {
            'use': self.use,
            'source': self.origin.source,
            'licence': self.origin.licence,
        }
        return {**fields, 'samples': self.samples} if self.samples else fields


def ingredients_of(use: Use, origins: Iterable[Origin]) -> tuple[Ingredient, ...]:
    """Count the samples of each origin, in the order of the names of the sources."""
    return tuple(Ingredient(use, origin, n) for origin, n in sorted(Counter(origins).items()))


def ingredients_in(training: Mapping[str, Any]) -> tuple[Ingredient, ...]:
    """Read `trained_on` in the description of a training; nothing if it is not given.

    Raises:
        KeyError, TypeError, ValueError: see `Ingredient.from_json`.
    """
    return tuple(Ingredient.from_json(entry) for entry in training.get('trained_on', ()))


def merged(ingredients: Iterable[Ingredient]) -> tuple[Ingredient, ...]:
    """Return each use of an origin once, in order of first occurrence, with the most samples."""
    most: dict[tuple[Use, Origin], Ingredient] = {}
    for ingredient in ingredients:
        known = most.setdefault((ingredient.use, ingredient.origin), ingredient)
        if ingredient.samples > known.samples:
            most[ingredient.use, ingredient.origin] = ingredient
    return tuple(most.values())


def restricted(ingredients: Iterable[Ingredient]) -> tuple[Ingredient, ...]:
    """Return the ingredients whose terms are non-commercial or unknown, in their order."""
    return tuple(
        ingredient
        for ingredient in ingredients
        if ingredient.origin.terms in ('non-commercial', 'unknown')
    )
