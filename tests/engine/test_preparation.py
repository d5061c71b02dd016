"""What is checked before a launch."""

import pytest
from omegaconf import OmegaConf

from ablate.core.cells import Cell
from ablate.core.errors import UsageError
from ablate.engine.cells import CellReader
from ablate.engine.experiment import Experiment
from ablate.engine.options import StudyOptions
from ablate.engine.preparation import refuse_ambiguous


def test_two_configurations_with_the_same_short_digest_are_refused() -> None:
    composed = [
        CellReader(Experiment(), {}).read(
            OmegaConf.create({"a": a, "seed": 0, "study": StudyOptions.defaults()}), {}, [f"a={a}"], Cell.of({"a": a}), "s"
        )
        for a in (1, 2, 3)
    ]
    cells = [cell for cell in composed if cell is not None]
    refuse_ambiguous(cells)
    cells[2].short = cells[1].short
    with pytest.raises(UsageError, match=r"a=2 and a=3 have the same short digest, \w{16}, by which their runs are found"):
        refuse_ambiguous(cells)
