# SPDX-License-Identifier: Apache-2.0
"""HTML pages, each a single file, from templates that share one base and one style."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jinja2

from afformer_core.files.atomic import write_aside

_SHARED = Path(__file__).with_name('templates')


def page_html(template: Path, **values: Any) -> str:
    """Render a page from a template that extends `base.html`.

    Args:
        template: file of Jinja; the templates beside it and those of `reports` can be included.
        values: values by their names in the template; text is escaped, `markupsafe.Markup` is not.

    Raises:
        jinja2.UndefinedError: the template uses a value that is not given.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, _SHARED]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template.name).render(values)


def write_page(path: Path, template: Path, **values: Any) -> None:
    """Write a page atomically; see `page_html`."""
    # A path may contain bytes that are not text.
    write_aside(path, page_html(template, **values).encode(errors='replace'))


def jpeg_source(jpeg: bytes) -> str:
    """Encode the bytes of a JPEG as an embedded image source."""
    return f'data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}'
