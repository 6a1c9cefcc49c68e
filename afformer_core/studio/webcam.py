# SPDX-License-Identifier: Apache-2.0
"""A dialog with the camera of the browser."""

from __future__ import annotations

from nicegui import events, ui
from nicegui.element import Element
from nicegui.elements.dialog import Dialog

from afformer_core.studio.messages import tell_error

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
