"""Small charts as inline SVG. Colours are classes of the style sheet; the page says the numbers in words too."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, GAP = 240.0, 36.0, 0.8


def sparkline(counts: Sequence[int], label: str, css: str) -> Markup:
    """Columns, one per count, as high as the count's share of the highest. ``label`` is read aloud."""
    top = max(*counts, 1) if counts else 1
    step = WIDTH / max(len(counts), 1)
    bars = Markup("").join(
        Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="0.8"/>').format(
            "isi" if count else "kosong", n * step, HEIGHT - tall, max(step - GAP, 0.5), tall
        )
        for n, count in enumerate(counts)
        for tall in [max(HEIGHT * count / top, 2.0) if count else 0.8]
    )
    return Markup(
        '<svg class="grafik {}" viewBox="0 0 240 36" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(css, label, bars)


def share_bar(parts: Sequence[tuple[int, str]], total: int, label: str) -> Markup:
    """A horizontal bar of coloured parts (count, class), each as long as its share of ``total``."""
    x = 0.0
    pieces = []
    for count, css in parts:
        wide = 100 * count / total if total else 0.0
        pieces.append(Markup('<rect class="{}" x="{:.2f}" y="0" width="{:.2f}" height="8"/>').format(css, x, wide))
        x += wide
    return Markup(
        '<svg class="batang" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="alas" x="0" y="0" width="100" height="8"/>{}</svg>'
    ).format(label, Markup("").join(pieces))
