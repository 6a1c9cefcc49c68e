# SPDX-License-Identifier: Apache-2.0
"""Files that a page may choose on this machine."""

from __future__ import annotations

from pathlib import Path

from afformer_core.studio.file_choice import Kind, list_choices


def test_links_out_of_the_folder_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    given, other = tmp_path / 'given', tmp_path / 'other'
    (given / 'clips').mkdir(parents=True)
    other.mkdir()
    (other / 'private.mp4').touch()
    for name in ('press.mp4', 'panel.jpg', '.hidden.mp4', 'notes.txt', 'clips/1.png'):
        (given / name).touch()
    (given / 'escape').symlink_to(other)
    (given / 'escape.mp4').symlink_to(other / 'private.mp4')

    listed = list_choices(given, (given,))

    assert [(choice.name, choice.kind) for choice in listed] == [
        ('clips', Kind.FOLDER),
        ('clips', Kind.FRAMES),
        ('panel.jpg', Kind.IMAGE),
        ('press.mp4', Kind.VIDEO),
    ]


def test_topics_of_a_bag(rgbd: Path) -> None:
    listed = list_choices(rgbd, (rgbd,))

    bags = [choice for choice in listed if choice.kind is Kind.BAG]
    assert bags != []
    assert all(str(choice.path).startswith(f'{rgbd}/bag#/') for choice in bags)
