"""Histories of many runs as one data frame: those with the same columns are parsed at once, which takes a tenth of the time."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import pandas as pd


def frame_of(texts: Mapping[str, str], bad: dict[str, Exception]) -> pd.DataFrame:
    """A row for each logged row: `directory`, then the columns.

    Args:
        texts: by the name of a run, the text of its history.csv.
        bad: gets the error of each run whose text cannot be parsed; these have no rows.
    """
    groups: dict[str, list[str]] = {}
    for name, text in texts.items():
        groups.setdefault(text.partition("\n")[0], []).append(name)
    order = {name: at for at, name in enumerate(texts)}
    frames, single = [], False
    for header, names in groups.items():
        found = _at_once(header, {name: texts[name] for name in names}) if len(names) > 1 else None
        if found is not None:
            frames.append(found)
            continue
        single = True
        for name in names:
            try:
                frame = pd.read_csv(io.StringIO(texts[name]))
            except ValueError as error:
                bad[name] = error
                continue
            frames.append(_with_directory(frame, np.array([name], dtype=object).repeat(len(frame))))
    if not frames:
        return pd.DataFrame({"directory": []})
    frame = pd.concat(frames, ignore_index=True)
    if len(groups) > 1 or single:
        position = frame["directory"].map(order).to_numpy()
        frame = frame.iloc[np.argsort(position, kind="stable")].reset_index(drop=True)
    return frame


def _at_once(header: str, texts: Mapping[str, str]) -> pd.DataFrame | None:
    """Parse texts with the same header as one; None if this could give other values than parsing each of them."""
    bodies = [text.partition("\n")[2] for text in texts.values()]
    if any('"' in text for text in (header, *bodies)):
        return None
    counts = [sum(1 for line in body.split("\n") if line.strip()) for body in bodies]
    try:
        frame = pd.read_csv(io.StringIO("\n".join([header, *bodies])), low_memory=False)
    except ValueError:
        return None
    if len(frame) != sum(counts) or not isinstance(frame.index, pd.RangeIndex):
        return None
    if any(kind.kind not in "biuf" for kind in frame.dtypes):  # a word in one run must not make words of the numbers of others
        return None
    return _with_directory(frame, np.array(list(texts), dtype=object).repeat(counts))


def _with_directory(frame: pd.DataFrame, names: np.ndarray) -> pd.DataFrame:
    frame = frame.rename(columns={"directory": "history.directory"})  # a logged column of this name
    frame.insert(0, "directory", pd.Series(names, dtype="str"))
    return frame
