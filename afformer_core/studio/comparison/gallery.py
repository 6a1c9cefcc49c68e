# SPDX-License-Identifier: Apache-2.0
"""A gallery of pairs with the heatmaps of two models, sorted by their difference."""

from __future__ import annotations

from nicegui import ui

from afformer_core.studio.comparison.model_comparison import ComparedPair, ModelComparison

_PAIRS_OF_A_PAGE = 6


def build_gallery(comparison: ModelComparison) -> None:
    """Build the gallery, a few pairs at a time, in the chosen order."""
    first, second = comparison.names
    won = sum(pair.gain > 0 for pair in comparison.pairs)
    lost = sum(pair.gain < 0 for pair in comparison.pairs)
    count = len(comparison.pairs)
    ui.label('Pairs').classes('text-lg font-bold')
    ui.label(
        f'{second} is better in {won} of {count}, {first} in {lost}. Cross: best peak; white '
        'points: marked. Each heatmap is drawn relative to its own maximum.'
    ).classes('text-sm wins')
    orders = {
        f'{second} wins most': comparison.pairs,
        f'{first} wins most': comparison.pairs[::-1],
    }
    with ui.row().classes('items-center gap-4'):
        order = ui.toggle(list(orders), value=next(iter(orders))).props('no-caps dense')
        pages = ui.pagination(1, max(1, -(-count // _PAIRS_OF_A_PAGE)), direction_links=True)
    shown = ui.element().classes('w-full grid grid-cols-1 lg:grid-cols-2 gap-4')

    def draw() -> None:
        begin = (int(pages.value or 1) - 1) * _PAIRS_OF_A_PAGE
        shown.clear()
        with shown:
            for pair in orders[str(order.value)][begin : begin + _PAIRS_OF_A_PAGE]:
                _build_pair(pair, comparison.names)

    def reorder() -> None:
        pages.value = 1
        draw()

    order.on_value_change(reorder)
    pages.on_value_change(draw)
    draw()


def _build_pair(pair: ComparedPair, names: tuple[str, str]) -> None:
    with ui.card().classes('w-full gap-1 p-2 pair').props('flat bordered'):
        ui.label(pair.title).classes('text-sm font-bold [overflow-wrap:anywhere]')
        with ui.row().classes('w-full no-wrap gap-2'):
            for name, kld, source, better in zip(
                names, pair.klds, pair.sources, (pair.gain < 0, pair.gain > 0), strict=True
            ):
                with ui.column().classes('w-1/2 gap-1'):
                    image = ui.image(source).classes('w-full').props('no-transition no-spinner')
                    image.props(f'alt="Heatmap of {name}"')
                    with ui.row().classes('items-center no-wrap gap-1'):
                        if better:
                            ui.icon('check')
                        words = f'{name}: KLD {kld:.2f}{", better" if better else ""}'
                        ui.label(words).classes('text-sm [overflow-wrap:anywhere]')
