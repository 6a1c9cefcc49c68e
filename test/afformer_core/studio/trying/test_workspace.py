# SPDX-License-Identifier: Apache-2.0
"""Demonstrations and images of a page, which it gives back when it is closed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.drawing.overlay import draw_overlay
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.offline.evaluation.report.tiles import fit
from afformer_core.studio.limits import Limits
from afformer_core.studio.model_worker import ModelWorker
from afformer_core.studio.trying.answer_files import overlay
from afformer_core.studio.trying.workspace import Workspace

from ..conftest import run


def test_a_page_that_is_closed_leaves_nothing_in_the_model(
    worker: ModelWorker, files: Path
) -> None:
    async def use() -> None:
        first, other = Workspace(worker, Limits()), Workspace(worker, Limits())
        await first.add_demonstration(files / 'press.mp4', 'press.mp4')
        kept = await other.add_demonstration(files / 'press.mp4', 'press.mp4')
        first.close()
        # Its tab was closed while this one was being read.
        await first.add_demonstration(files / 'turn.mp4', 'turn.mp4')

        assert await worker.run(lambda grounder: grounder.demonstrations) == (kept.key,)

    run(use)


def test_a_page_holds_so_many_and_no_more(worker: ModelWorker, files: Path) -> None:
    async def use() -> None:
        workspace = Workspace(worker, Limits(demonstrations=1, images=1))
        video = files / 'press.mp4'
        added = [workspace.add_demonstration(video, 'press.mp4') for _ in range(2)]
        first, second = await asyncio.gather(*added, return_exceptions=True)
        await workspace.add_image(files / 'panel.png', 'panel.png')

        assert [first] == workspace.demonstrations
        assert isinstance(second, DemonstrationError)
        with pytest.raises(ImageError, match='the page contains 1 images'):
            await workspace.add_image(files / 'panel.png', 'panel.png')

    run(use)


def test_peaks_of_a_reduced_image_are_in_pixels_of_its_file(
    worker: ModelWorker, files: Path
) -> None:
    async def use() -> None:
        workspace = Workspace(worker, Limits())
        demonstration = await workspace.add_demonstration(files / 'press.mp4', 'press.mp4')
        image = await workspace.add_image(files / 'panel.png', 'panel.png')
        reduced = replace(image, size=(4 * 128, 4 * 96))

        small = await workspace.ground(image, [demonstration])
        large = await workspace.ground(reduced, [demonstration])

        first, second = small.grounding.peaks[0], large.grounding.peaks[0]
        assert image.size == (128, 96)
        # A peak at the border is moved by less than a pixel.
        expected = 4 * first.u + 1.5, 4 * first.v + 1.5
        assert (second.u, second.v) == pytest.approx(expected, abs=1.0)
        peaks = (replace(first, u=40.0, v=21.0),)
        only = replace(small, grounding=replace(small.grounding, peaks=peaks))
        heatmap = replace(small.grounding, source_size=(480, 640)).heatmap
        expected = (replace(first, u=202.0, v=107.0),)
        np.testing.assert_array_equal(
            overlay(only, 0.5, 640),
            draw_overlay(fit(image.image, 640), heatmap, expected, '', 0.5, unsure=True),
        )
        drawn = [overlay(answer, 0.6, 640) for answer in (small, large)]
        assert drawn[0].shape == (480, 640, 3)
        different = (np.abs(drawn[0].astype(int) - drawn[1]) > 40).any(-1)
        assert different.mean() < 0.005

    run(use)


def test_a_part_or_a_mark_replaces_the_whole(worker: ModelWorker, files: Path) -> None:
    async def use() -> None:
        workspace = Workspace(worker, Limits())
        whole = await workspace.add_demonstration(files / 'press.mp4', 'press.mp4')
        image = await workspace.add_image(files / 'panel.png', 'panel.png')
        before = await workspace.ground(image, [whole])

        taken = await workspace.memorize_again(whole, (0.5, 1.0), None)

        assert taken is not None
        assert workspace.demonstrations == [taken]
        assert (taken.key, taken.part, taken.frame_count) == (whole.key, (0.5, 1.0), 3)
        seconds = [frame.seconds for frame in taken.timeline]
        assert seconds == [pytest.approx(0.5 + n / 6) for n in range(3)]
        after = await workspace.ground(image, [taken])
        assert after.grounding.confidence != before.grounding.confidence
        back = await workspace.memorize_again(taken, None, None)
        assert back is not None
        again = await workspace.ground(image, [back])
        assert again.grounding.confidence == pytest.approx(before.grounding.confidence)
        marked = await workspace.memorize_again(back, None, (0.25, 0.75))
        assert marked is not None
        assert (marked.key, marked.contact) == (whole.key, (0.25, 0.75))
        after = await workspace.ground(image, [marked])
        assert after.grounding.presence != before.grounding.presence
        # Another model does not know it.
        await worker.run(lambda grounder: grounder.delete_demonstration(whole.key))
        again = await workspace.ground(image, [marked])
        assert again.grounding.presence == pytest.approx(after.grounding.presence)

    run(use)


def test_a_part_of_what_was_removed_meanwhile_is_not_kept(
    worker: ModelWorker, files: Path
) -> None:
    async def use() -> None:
        workspace = Workspace(worker, Limits())
        whole = await workspace.add_demonstration(files / 'press.mp4', 'press.mp4')
        taking = asyncio.create_task(workspace.memorize_again(whole, (0.5, 1.0), None))
        await asyncio.sleep(0)
        workspace.remove_demonstration(whole)

        assert await taking is None
        assert await worker.run(lambda grounder: grounder.demonstrations) == ()

    run(use)
