"""Embed the SVG of a figure in a page, so that it can be searched, marked and recolored there."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_IDS = re.compile(r'(\bid="|href="#|url\(#)')


def inline(svg: str, name: str, alt: str) -> Markup:
    """Turn an SVG document of matplotlib into an element for a page.

    Args:
        svg: the document.
        name: a name for the figure within the page; it prefixes all ids, which two figures may share.
        alt: what the figure shows, for readers who cannot see it.
    """
    body = svg[svg.index("<svg") :]
    start, rest = body.split(">", 1)
    view = re.search(r'viewBox="([-\d. ]+)"', start)
    box = view[1] if view else "0 0 100 100"
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, count=1, flags=re.DOTALL)
    rest = re.sub(r"<style\b.*?</style>", "", rest, count=1, flags=re.DOTALL)  # would apply to the whole page
    rest = _IDS.sub(rf"\g<1>{name}-", rest)
    namespace = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    return Markup(f'<svg {namespace} class="plot" role="img" aria-label="{escape(alt)}" viewBox="{box}">{rest}')
