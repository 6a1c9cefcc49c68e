# SPDX-License-Identifier: Apache-2.0
"""The panel of an answer: image with heatmap, description, and downloads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nicegui import ui

from afformer_core.offline.evaluation.report.tiles import image_source
from afformer_core.runtime.grounding import UNKNOWN_ACTION
from afformer_core.studio.messages import certainty_in_words, presence_in_words, told_errors
from afformer_core.studio.timeline import ImmediateSlider
from afformer_core.studio.trying import answer_files
from afformer_core.studio.trying.workspace import ShownGrounding

_SIDE = 1280
_OPACITY = 0.6


class AnswerImage:
    """The image of an answer with its heatmap, whose opacity a slider sets."""

    def __init__(self) -> None:
        self._answer: ShownGrounding | None = None
        with ui.column().classes('w-full gap-2') as self._column:
            self._image = ui.interactive_image().classes('w-full answer')
            with ui.row().classes('w-full items-center no-wrap'):
                ui.label('Heatmap')
                self._opacity = ImmediateSlider(min=0, max=1, step=0.05, value=_OPACITY)
                self._opacity.classes('grow').props('aria-label="Opacity of the heatmap"')
                self._opacity.on_value_change(self._draw)
        self.show(None)

    @property
    def opacity(self) -> float:
        """Opacity of the heatmap at its maximum, 0 to 1."""
        return float(self._opacity.value)

    def show(self, answer: ShownGrounding | None) -> None:
        """Show an answer, or nothing."""
        self._answer = answer
        self._column.set_visibility(answer is not None)
        self._draw()

    def _draw(self) -> None:
        if self._answer is not None:
            drawn = answer_files.overlay(self._answer, self.opacity, _SIDE)
            self._image.set_source(image_source(drawn))


class AnswerPanel:
    """The description of an answer, and its downloads.

    Args:
        answer_image: the image of the answer, whose opacity a download uses.
        sentence: label for the answer in one sentence.
    """

    def __init__(self, answer_image: AnswerImage, sentence: ui.label) -> None:
        self._answer_image = answer_image
        self._sentence = sentence
        self._text = ui.column().classes('w-full gap-2')

    def show(self, answer: ShownGrounding | None, reason: str = '') -> None:
        """Show an answer, or the reason why there is none."""
        self._answer_image.show(answer)
        self._sentence.text = reason if answer is None else answer_files.sentence(answer)
        self._text.clear()
        with self._text:
            if answer is not None:
                ui.label('Answer').classes('text-lg font-bold')
                _presence(answer)
                self._action(answer)
                _peaks(answer)
                self._downloads(answer)

    def _action(self, answer: ShownGrounding) -> None:
        """Show the scores of a known action, or ask for an unknown one."""
        grounding = answer.grounding
        if grounding.given_action or grounding.action == UNKNOWN_ACTION:
            ui.select(
                sorted(grounding.action_scores),
                label='What should the robot do?',
                value=grounding.given_action or None,
                on_change=lambda event: self.show(_given(answer, event.value)),
            ).props('dense outlined').classes('w-full given-action')
            return
        for action, score in grounding.action_scores.items():
            with ui.row().classes('w-full items-center no-wrap gap-2 action'):
                ui.label(action).classes('w-24 text-sm')
                ui.linear_progress(score, show_value=False).classes('grow')
                ui.label(f'{score:.2f}').classes('text-sm')

    def _downloads(self, answer: ShownGrounding) -> None:
        files: dict[str, tuple[str, Callable[[], bytes]]] = {
            'PNG': (
                'overlay.png',
                lambda: answer_files.overlay_png(answer, self._answer_image.opacity),
            ),
            'JSON': ('answer.json', lambda: answer_files.answer_json(answer)),
        }
        with ui.row().classes('gap-2'):
            for text, (ending, content) in files.items():
                _download_button(text, answer_files.file_name(answer, ending), content)


def _download_button(text: str, name: str, content: Callable[[], bytes]) -> None:
    def save() -> None:
        with told_errors():
            ui.download.content(content(), name)

    ui.button(text, icon='download', on_click=save).props('outline dense')


def _presence(answer: ShownGrounding) -> None:
    grounding = answer.grounding
    presence = presence_in_words(
        grounding.presence, grounding.presence_threshold, found=bool(grounding.found)
    )
    certainty = certainty_in_words(grounding.certainty, grounding.certainty_threshold)
    with ui.row().classes('items-center no-wrap gap-2'):
        ui.icon('check_circle' if grounding.found and not grounding.unsure else 'help', size='sm')
        ui.label(f'{presence} {certainty}').classes('text-sm presence')
    names = ', '.join(shown.name for shown in answer.demonstrations)
    ui.label(f'{names} in {answer.image.name}, {answer.milliseconds:.0f} ms').classes(
        'text-sm [overflow-wrap:anywhere]'
    )


def _given(answer: ShownGrounding, action: str) -> ShownGrounding:
    return replace(answer, grounding=replace(answer.grounding, given_action=action))


def _peaks(answer: ShownGrounding) -> None:
    labels = {'number': 'Peak', 'x': 'x, pixels', 'y': 'y, pixels', 'score': 'Score'}
    columns = [
        {'name': name, 'label': label, 'field': name, 'align': 'right'}
        for name, label in labels.items()
    ]
    rows = [
        {
            'number': number,
            'x': f'{peak.u:.1f}',
            'y': f'{peak.v:.1f}',
            'score': f'{peak.score:.2f}',
        }
        for number, peak in enumerate(answer.grounding.peaks, 1)
    ]
    table = ui.table(rows=rows, columns=columns, row_key='number')
    table.props('dense flat').classes('w-full peaks')
