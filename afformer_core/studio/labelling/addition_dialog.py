# SPDX-License-Identifier: Apache-2.0
"""A dialog that adds videos and images to a folder of own pairs."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from nicegui import ui
from nicegui.elements.dialog import Dialog

from afformer_core.files.atomic import folder_lock
from afformer_core.media.frame_folder import IMAGE_SUFFIXES
from afformer_core.offline.data.readers.folder_pairs import DEMONSTRATIONS, IMAGES
from afformer_core.studio.labelling.point_labels import PointLabels
from afformer_core.studio.limits import Limits, require_small_image, require_small_video
from afformer_core.studio.messages import told_errors
from afformer_core.studio.uploads import PageUploads, build_upload_field


class AdditionDialog:
    """The dialog: the name of an object, its videos, and its images.

    Files are checked when they arrive, and stored together, so that the folder is always valid.

    Args:
        labels: tables of the folder, whose pairs are listed again.
        limits: maximum sizes of media.
        added: called after files were stored, with the folder of their object.
    """

    def __init__(
        self, labels: PointLabels, limits: Limits, added: Callable[[Path], Awaitable[None]]
    ) -> None:
        self._labels = labels
        self._limits = limits
        self._added = added
        self._uploads = PageUploads()
        self._media: dict[str, list[Medium]] = {DEMONSTRATIONS: [], IMAGES: []}
        ui.context.client.on_delete(self._uploads.close)
        self._dialog: Dialog = ui.dialog()
        with self._dialog, ui.card().classes('w-[560px] max-w-full gap-2'):
            ui.label('Add videos and images of one object').classes('text-lg font-bold')
            self._name = ui.input('Name of the object, such as drawer', autocomplete=[])
            self._name.props('dense outlined').classes('w-full')
            build_upload_field(
                'Drop videos of the action here, or tap to choose', 'video/*,.gif,.mkv',
                self._take_video, limits, self._uploads, video=True,
            )  # fmt: skip
            build_upload_field(
                'Drop other images of it here, or tap to choose', 'image/*',
                self._take_image, limits, self._uploads, video=False,
            )  # fmt: skip
            self._told = ui.label().classes('text-sm break-words staged')
            with ui.row():
                ui.button('Add', on_click=self._store)
                ui.button('Cancel', on_click=self._clear).props('flat')
        self._tell()

    def open(self) -> None:
        """Open the dialog."""
        self._name.set_autocomplete(sorted(self._objects()))
        self._dialog.open()

    async def _take_video(self, path: Path, name: str) -> None:
        await asyncio.to_thread(require_small_video, path, self._limits, name)
        self._take(DEMONSTRATIONS, path, name)

    async def _take_image(self, path: Path, name: str) -> None:
        await asyncio.to_thread(require_small_image, path, self._limits, name)
        if Path(name).suffix.lower() not in IMAGE_SUFFIXES:
            endings = ', '.join(IMAGE_SUFFIXES)
            raise ValueError(f'the name of {name} ends in none of {endings}. Rename it')
        self._take(IMAGES, path, name)

    def _take(self, kind: str, path: Path, name: str) -> None:
        self._media[kind].append((path, name))
        self._tell()

    def _tell(self) -> None:
        self._told.text = '; '.join(
            f'{kind.capitalize()}: {", ".join(name for _, name in media)}'
            for kind, media in self._media.items()
            if media
        )

    async def _store(self) -> None:
        with told_errors():
            name = str(self._name.value or '').strip()
            target = self._objects().get(name) or object_folder(self._labels.folder, name)
            await asyncio.to_thread(store_media, target, self._media)
            self._clear()
            self._labels.reload()
            await self._added(target)

    def _clear(self) -> None:
        """Drop the files, and close the dialog."""
        for media in self._media.values():
            for path, _ in media:
                self._uploads.drop(path)
            media.clear()
        self._name.value = ''
        self._tell()
        self._dialog.close()

    def _objects(self) -> dict[str, Path]:
        """Return the folders of the objects by their displayed names."""
        return {pair.table.parent.name: pair.table.parent for pair in self._labels.pairs}


_OBJECT = re.compile(r'\w[\w -]{0,63}')
# Characters of names that neither paths of bags and parts of videos nor tables interpret.
_OTHERS = re.compile(r'[^\w. -]')


# The path of a file to store, and its display name.
Medium = tuple[Path, str]


def object_folder(folder: Path, name: str) -> Path:
    """Return the folder of an object, which may not exist.

    Raises:
        ValueError: the name is not a plain name.
    """
    if not _OBJECT.fullmatch(name) or name in (DEMONSTRATIONS, IMAGES):
        raise ValueError(
            f'the name of the object is {name!r}; expected 1 to 64 letters, digits, -, _ or '
            f'spaces, and not {DEMONSTRATIONS} or {IMAGES}. Name it, such as drawer'
        )
    return folder / name


def store_media(target: Path, media: Mapping[str, Sequence[Medium]]) -> None:
    """Copy the media of an object into its folder; no existing file is replaced.

    Args:
        target: folder of the object; created if missing.
        media: its videos and images, by the names of their folders.

    Raises:
        ValueError: the folder would have no demonstration or no image.
        OSError: the folder cannot be written to.
    """
    for kind, added in media.items():
        if not added and not (target / kind).is_dir():
            raise ValueError(f'{target.name} has no {kind}. Add at least one video and one image')
    target.mkdir(parents=True, exist_ok=True)
    with folder_lock(target):
        for kind, added in media.items():
            (target / kind).mkdir(exist_ok=True)
            for source, name in added:
                path = _free_path(target / kind, name)
                # Readers of the folder skip hidden names.
                hidden = path.with_name(f'.{path.name}.part')
                try:
                    shutil.copyfile(source, hidden)
                    hidden.rename(path)
                finally:
                    hidden.unlink(missing_ok=True)


def _free_path(folder: Path, name: str) -> Path:
    """Return a path in a folder for a file, numbered if the name is taken, as phones repeat it."""
    plain = Path(_OTHERS.sub('_', name).lstrip('.') or 'unnamed')
    path, number = folder / plain.name, 1
    while path.exists():
        number += 1
        path = folder / f'{plain.stem}_{number}{plain.suffix}'
    return path
