"""Tables that a program describes."""

import pandas as pd

from ablate.core.cells import Cell
from ablate.core.descriptions import Column, ExtraTable
from ablate.core.levels import Factor
from ablate.report.configurations import Configurations
from ablate.report.extra_tables import extra_table
from ablate.report.values import text_of

CELLS = Configurations.of({name: Cell.of({"x": name}) for name in "ab"}, {"x": Factor.of("x", list("ab"))})
DESCRIPTION = ExtraTable(
    "heads", "Entropy of heads", "attention", "head", "attention head", (Column("entropy", "entropy", digits=2),), ("In bits.",)
)


def test_each_row_has_mean_and_range_and_of_one_seed_the_value_alone() -> None:
    both = {"cell": ["a", "b"], "label": ["x=a", "x=b"], "head": ["h1", "h1"], "n": [5, 1]}
    frame = pd.DataFrame(both).assign(entropy=0.573, entropy_low=0.5, entropy_high=0.69)
    table = extra_table(DESCRIPTION, frame, CELLS)
    assert [[text_of(row[key]) for key in table.keys] for row in table.rows] == [
        ["x=a", "h1", "5", "0.57 (0.50 to 0.69)"],
        ["x=b", "h1", "1", "0.57"],
    ]
    assert [column.title for column in table.columns] == ["Configuration", "attention head", "n", "entropy"]
    assert [row.source for row in table.rows] == ["cell-a", "cell-b"]
    assert table.notes == ["In bits.", "Means over n seeds, with the lowest and the highest value in parentheses."]
    assert (table.name, table.main) == ("heads", False)
