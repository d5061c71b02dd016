"""Figures as elements of a page."""

import matplotlib.pyplot as plt

from ablate.report.figures import _saved
from ablate.report.inline_svg import inline
from ablate.report.plots import close, style


def test_the_element_has_its_text_and_no_ids_style_or_metadata_that_reach_the_page() -> None:
    with style():
        figure, axes = plt.subplots()
        axes.set_title("a < b & <script>")
        axes.plot([1, 2], [1, 2])
        svg = _saved(figure, "svg", dpi=72).decode()
        close(figure)
    found = inline(svg, "curves", 'says "more"')
    assert found.startswith("<svg ")
    assert found.rstrip().endswith("</svg>")
    assert 'aria-label="says &#34;more&#34;"' in found
    assert "a &lt; b &amp; &lt;script&gt;" in found
    assert not [word for word in ("<style", "<metadata", "<?xml", "DOCTYPE", ' width="4') if word in found.split("<g ")[0]]
    ids = {part.split('"')[0] for part in found.split(' id="')[1:]}
    assert ids
    assert all(each.startswith("curves-") for each in ids)
    assert {part.split(")")[0] for part in found.split("url(#")[1:]} <= ids
