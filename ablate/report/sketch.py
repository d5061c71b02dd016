"""A figure of a report before it is drawn: its texts, and the function that plots it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Sketch:
    """A figure that is plotted in the style that is set at that time.

    Attributes:
        name: file name without suffix.
        title: the heading.
        caption: how to read it.
        alt: what it shows, for readers who cannot see it.
        plot: makes the figure.
    """

    name: str
    title: str
    caption: str
    alt: str
    plot: Callable[[], Figure]
