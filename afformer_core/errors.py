# SPDX-License-Identifier: Apache-2.0
"""Errors that a user of the package can fix."""

from __future__ import annotations

from collections.abc import Iterable


def how_to_install(extras: str) -> str:
    """Return the command to install extras of the package, which is not on a package index.

    Args:
        extras: their names, separated by commas.
    """
    return (
        f"`pip install '.[{extras}]'` in a clone of this project, or with its wheel "
        f"`pip install 'afformer-VERSION-py3-none-any.whl[{extras}]'`"
    )


class AfformerError(Exception):
    """Base of every error for bad input; its text is a sentence with the remedy."""


class ModelFolderError(AfformerError):
    """A model folder is missing, incomplete, of another version, or does not match its hash."""


class EngineError(AfformerError):
    """TensorRT cannot compile a graph, or its engine cannot be loaded or run."""


class HandModelError(AfformerError):
    """A shipped network that finds hands is missing or damaged."""


class DemonstrationError(AfformerError):
    """A demonstration is unknown, empty, being recorded, or was never started."""

    @classmethod
    def unknown(cls, name: str, known: Iterable[str]) -> DemonstrationError:
        """Create the error for an unknown name, with the known names."""
        return cls(
            f'there is no demonstration {name!r}; there are: {", ".join(known) or "none yet"}'
        )


class OtherFormatError(DemonstrationError):
    """A file is no demonstration that is read here, though it may be sound: it is left alone."""


class ImageError(AfformerError):
    """An image has a shape, type or encoding that cannot be grounded."""


class VideoError(AfformerError):
    """A video is missing, empty, truncated before its first frame, or not a video."""


class DatasetError(AfformerError):
    """A dataset's annotations or media are missing, malformed or inconsistent."""
