# SPDX-License-Identifier: Apache-2.0
"""The section of the changelog that a release shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.release_notes import release_notes, version

CHANGELOG = '# Changes\n\n## [0.2.0] - day\n\nnew\n\n## [0.1.0]\n\nold\n'


def test_a_release_shows_its_own_section(root: Path) -> None:
    assert release_notes(CHANGELOG, '0.2.0') == 'new\n'
    assert release_notes(CHANGELOG, '0.1.0') == 'old\n'
    with pytest.raises(ValueError, match=r'no section 0\.2\.1'):
        release_notes(CHANGELOG, '0.2.1')
    assert release_notes((root / 'CHANGELOG.md').read_text(), version())
