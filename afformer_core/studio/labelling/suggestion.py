# SPDX-License-Identifier: Apache-2.0
"""Suggestions of the model, points and action for a pair, and the line that shows them."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nicegui import ui

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.recording import memorize_whole
from afformer_core.media.polygons import Point
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.grounding import UNKNOWN_ACTION
from afformer_core.studio.labelling.point_labels import LabelledPair, nearest_point
from afformer_core.studio.limits import LimitedImage
from afformer_core.studio.model_worker import ModelWorker

_PEAKS = 3
# Minimum score of a displayed peak, as a share of the best score.
_SHARE = 0.5
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Suggestion:
    """A suggestion.

    Attributes:
        points: best peaks, (x, y) within the image, best first; at least one.
        scores: score of each, 0 to 1.
        action: name of the best allowed action; empty if there is none, or if the action is
            unknown to the model.
        doubtful: whether the presence of the demonstrated element is too low.
    """

    points: tuple[Point, ...]
    scores: tuple[float, ...]
    action: str
    doubtful: bool


class Suggester:
    """The suggestions of one page; `close` releases its demonstration in the model.

    The demonstration of the last suggestion stays memorized, because the next pair usually has the
    same one.

    Args:
        worker: worker with the model.
        allowed: names of the allowed actions; None: any.
    """

    def __init__(self, worker: ModelWorker, allowed: Sequence[str] | None) -> None:
        self._worker = worker
        self._allowed = allowed
        self._key = f'suggestions {next(_numbers)}'
        self._memorized: Path | None = None
        self._closed = False

    async def suggest(
        self,
        pair: LabelledPair,
        demonstration: MediaFrames,
        image: LimitedImage,
        is_current: Callable[[], bool],
    ) -> Suggestion | None:
        """Ground the demonstration of a pair in its image, after earlier tasks of other pages.

        Args:
            pair: the pair.
            demonstration: its demonstration, from which the contact is read.
            image: its image.
            is_current: function that returns whether the pair is still shown; called before and
                after.

        Returns:
            the suggestion; None if the pair is no longer shown, or the page is closed.
        """

        def task(grounder: ArrayGrounder) -> Suggestion | None:
            if self._closed or not is_current():
                return None
            if self._memorized != pair.demonstration or self._key not in grounder.demonstrations:
                memorize_whole(demonstration, self._key, grounder)
                self._memorized = pair.demonstration
            return self._suggestion(grounder, image)

        suggestion = await self._worker.run(task)
        return None if self._closed or not is_current() else suggestion

    def close(self) -> None:
        """Delete the demonstration from the model."""
        self._closed = True

        def task(grounder: ArrayGrounder) -> None:
            if self._memorized is not None:
                grounder.delete_demonstration(self._key)

        self._worker.submit(task)

    def _suggestion(self, grounder: ArrayGrounder, image: LimitedImage) -> Suggestion:
        width, height = image.size
        prediction = grounder.predict(image.image, self._key)
        grounding = prediction.grounding((height, width), _PEAKS)
        least = _SHARE * grounding.peaks[0].score
        peaks = [peak for peak in grounding.peaks if peak.score >= least]
        known = () if grounding.action == UNKNOWN_ACTION else grounding.action_scores
        names = [name for name in known if self._allowed is None or name in self._allowed]
        return Suggestion(
            points=tuple(nearest_point((peak.u, peak.v), (width, height)) for peak in peaks),
            scores=tuple(peak.score for peak in peaks),
            action=names[0] if names else '',
            doubtful=grounding.found is False,
        )


class SuggestionLine:
    """The line.

    Args:
        accept: called when the button is pressed.

    Attributes:
        points: suggested points that are not yet accepted, best first.
    """

    def __init__(self, accept: Callable[[], Awaitable[None]]) -> None:
        self.points: tuple[Point, ...] = ()
        self._suggestion: Suggestion | None = None
        with ui.row().classes('items-center gap-2 no-wrap') as self._row:
            self._button = ui.button('Accept', on_click=accept).props('outline dense no-caps')
            self._text = ui.label().classes('text-sm suggestion')
        self.show(None)

    def show(self, suggestion: Suggestion | None) -> None:
        """Show a suggestion, or none."""
        self._suggestion = suggestion
        self.points = () if suggestion is None else suggestion.points
        self._row.set_visibility(suggestion is not None)
        if suggestion is not None:
            self._text.text = _text(suggestion)

    @property
    def action(self) -> str:
        """Name of the suggested action; empty if there is none."""
        return '' if self._suggestion is None else self._suggestion.action

    def take(self) -> Point:
        """Remove and return the best remaining point; there must be one."""
        point, *left = self.points
        self.points = tuple(left)
        self._row.set_visibility(bool(left))
        return point


def _text(suggestion: Suggestion) -> str:
    scores = ', '.join(f'{score:.2f}' for score in suggestion.scores)
    action = f'{suggestion.action}, ' if suggestion.action else ''
    doubt = '. It may not be in view' if suggestion.doubtful else ''
    return f'The model suggests: {action}score {scores}{doubt}'
