# SPDX-License-Identifier: Apache-2.0
"""The files that are uploaded to a page, and the fields that take them."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from nicegui import events, ui
from nicegui.element import Element
from nicegui.elements.dialog import Dialog
from nicegui.elements.upload_files import FileUpload

from afformer_core.studio.limits import Limits, shown_name
from afformer_core.studio.messages import tell_error, told_errors

# A click anywhere chooses files; the component is the input of the browser.
_DROP_ZONE = """
<div class="drop-zone column items-center q-pa-md relative-position">
  <q-icon name="{icon}" size="md" /><div class="text-center">{label}</div>
  <q-uploader-add-trigger />
  <q-linear-progress v-if="props.isUploading" :value="props.uploadProgress" class="q-mt-sm" />
</div>
"""
# Reasons and names of the files that the component refuses.
_REFUSED = '(refused) => emit(refused.map((each) => [each.failedPropValidation, each.file.name]))'
_ICONS = {True: 'movie', False: 'image'}

# Called with the path of a file and its display name. An upload is kept until it is dropped, or
# until the call raises an error.
Take = Callable[[Path, str], Awaitable[None]]


class PageUploads:
    """The files, under new names in a temporary folder; `close` removes them all."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count(1)

    async def save(self, upload: FileUpload) -> Path:
        """Write an upload to a new file, and return its path.

        Raises:
            OSError: the file cannot be written.
        """
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix='afformer_studio_')
        # The sender controls the name, so the file receives another one.
        path = Path(self._folder.name) / f'upload_{next(self._numbers)}'
        try:
            await upload.save(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def drop(self, path: Path) -> None:
        """Remove a file if it is an upload."""
        if self._folder is not None and path.parent == Path(self._folder.name):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove all files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def build_upload_field(
    label: str, accept: str, take: Take, limits: Limits, uploads: PageUploads, *, video: bool
) -> None:
    """Build an upload field, and a button for the webcam.

    Args:
        label: text of the field.
        accept: types of files that the browser offers, in the syntax of HTML.
        take: function that handles a file; its errors are shown in the page.
        limits: maximum sizes of the input.
        uploads: uploads of the page.
        video: whether videos are expected, which the webcam records, instead of images.
    """
    megabytes = limits.file_bytes / 1e6
    expected = 'a video' if video else 'an image'

    async def uploaded(event: events.UploadEventArguments) -> None:
        name = shown_name(event.file.name)
        with told_errors():
            path = await uploads.save(event.file)
            try:
                await take(path, name)
            except BaseException:
                uploads.drop(path)
                raise

    def refused(event: events.GenericEventArguments) -> None:
        for reason, name in event.args:
            shown = shown_name(name)
            if reason == 'max-file-size':
                tell_error(
                    f'{shown} is larger than {megabytes:.0f} MB. Cut out the part that shows the '
                    'action, or start the studio with a larger --largest-file'
                )
            else:
                tell_error(f'{shown} is not {expected}. Give one')

    field = ui.upload(
        label=label,
        multiple=True,
        auto_upload=True,
        max_file_size=limits.file_bytes,
        on_upload=uploaded,
    )
    field.on('rejected', refused, js_handler=_REFUSED)
    field.on('failed', lambda: tell_error('the upload was cut off. Try again'), args=[])
    field.on('finish', lambda: field.reset(), args=[])
    field.props(f'accept="{accept}" flat bordered').classes('w-full')
    field.add_slot('header', _DROP_ZONE.format(icon=_ICONS[video], label=label))
    webcam = WebcamDialog(field, video=video)
    ui.button('Webcam', icon='videocam', on_click=webcam.open).props('flat dense no-caps')


# Seconds after which a recording of the webcam ends automatically.
_LONGEST = 30


class _Webcam(Element, component='webcam.js'):
    """A view of the camera, which passes recordings to an upload field.

    Args:
        field: the field.
    """

    def __init__(self, field: ui.upload) -> None:
        super().__init__()
        self._props['field'] = field.id


class WebcamDialog:
    """A dialog with the camera of the browser, whose recordings and images are uploaded.

    Args:
        field: field that uploads them.
        video: whether it records videos instead of taking images.
    """

    def __init__(self, field: ui.upload, *, video: bool) -> None:
        self._video = video
        self._recording = False
        self._dialog: Dialog = ui.dialog()
        with self._dialog, ui.card().classes('w-[560px] max-w-full'):
            self._webcam = _Webcam(field)
            self._text = ui.label()
            with ui.row().classes('gap-2'):
                self._act = ui.button('', on_click=self._press).props('no-caps autofocus')
                ui.button('Close', on_click=self._dialog.close).props('flat no-caps')
        self._webcam.on('opened', self._ready)
        self._webcam.on('failed', self._failed)
        self._webcam.on('sent', self._dialog.close)
        self._dialog.on('hide', lambda: self._webcam.run_method('close'))
        self._dialog.on('show', lambda: self._webcam.run_method('open'))

    def open(self) -> None:
        """Open the dialog and the camera, for which the browser may request permission."""
        self._recording = False
        self._act.set_enabled(False)
        self._act.text = 'Record' if self._video else 'Take an image'
        self._text.text = 'Waiting for the camera. The browser may ask for permission.'
        self._dialog.open()

    def _ready(self) -> None:
        self._act.set_enabled(True)
        self._text.text = f'At most {_LONGEST} s.' if self._video else ''

    def _failed(self, event: events.GenericEventArguments) -> None:
        self._dialog.close()
        tell_error(f'there is no camera: {event.args}')

    def _press(self) -> None:
        if not self._video:
            self._webcam.run_method('take')
        elif self._recording:
            self._webcam.run_method('finish')
        else:
            self._recording = True
            self._act.text = 'Stop'
            self._text.text = f'Recording: show the action. It ends after {_LONGEST} s.'
            self._webcam.run_method('record', 1000 * _LONGEST)
