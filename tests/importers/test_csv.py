"""CSV files that another program wrote."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablate.core.cells import Cell
from ablate.core.errors import UsageError
from ablate.core.levels import Factor, Level
from ablate.importers.csv import read_table
from ablate.importers.numbers import parse
from ablate.importers.table import Roles
from ablate.importers.tabular import results_of
from ablate.storage.results import RUN_COLUMNS, StudyResults

CSV = """method,warm,run,accuracy,loss,dataset
baseline,true,0,0.81,1.5,CIFAR-10
ours,true,0,0.84,,CIFAR-10
baseline,true,1,0.80,1.6,CIFAR-10
ours,true,1,0.86,1.2,CIFAR-10
ours,false,1,0.85,1.3,CIFAR-10
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "results.csv"
    path.write_text(text, encoding="utf-8")
    return path


def read_results(path: Path, factors: Sequence[str], seed: str, metrics: Sequence[str]) -> StudyResults:
    return results_of(read_table(path), Roles(factors=tuple(factors), seed=seed, metrics=tuple(metrics)))


def plain(results: StudyResults, factor: str) -> list[Any]:
    return [level.value for level in results.levels[factor]]


def test_a_csv_file_becomes_the_results_of_a_study(tmp_path: Path) -> None:
    results = read_results(written(tmp_path, CSV), ["method", "warm"], "run", ["accuracy", "loss"])
    runs, values = results.runs, results.values
    assert results.factors == {
        "method": Factor.of("method", ["baseline", "ours"]), "warm": Factor.of("warm", [True, False]),
    }  # fmt: skip
    assert results.facts == {"dataset": Level.of("CIFAR-10")}
    assert list(runs) == list(RUN_COLUMNS)
    assert runs["seed"].tolist() == [0, 0, 1, 1, 1]
    assert values["accuracy"].tolist() == [0.81, 0.84, 0.80, 0.86, 0.85]
    assert np.isnan(values["loss"][1])
    assert runs["label"][1] == "method=ours,warm=true"
    assert runs["directory"][0] == "results.csv, line 2"
    assert set(runs["status"]) == {"finished"}
    assert runs["left_out"].isna().all()
    assert runs["error"].isna().all()
    assert list(results.metrics) == ["accuracy", "loss"]
    assert (results.metrics["accuracy"].unit, results.metrics["loss"].better) == ("%", "lower")
    assert results.folder is None
    assert results.cells()["method=ours,warm=false"] == Cell.of({"method": "ours", "warm": False})


def test_status_error_and_left_out_are_heeded(tmp_path: Path) -> None:
    text = "m,seed,y,status,left_out\na,0,1,,\nb,0,,diverged,\na,1,2,finished,a broken disk\nb,1,3,,\n"
    runs = read_results(written(tmp_path, text), ["m"], "seed", ["y"]).runs
    assert runs["status"].tolist() == ["finished", "diverged", "finished", "finished"]
    assert runs["left_out"].tolist() == [None, None, "a broken disk", None]


def test_levels_are_text_unless_they_are_scalars(tmp_path: Path) -> None:
    """A level that looks like YAML is no YAML, and nothing is taken for a hole."""
    text = 'm,seed,y\nNone,s1,1\n"[1, 2]",s1,2\n0.5,s1,3\n<b>,s1,4\n'
    results = read_results(written(tmp_path, text), ["m"], "seed", ["y"])
    assert [level.value for level in results.factors["m"]] == ["None", "[1, 2]", 0.5, "<b>"]
    assert results.runs["seed"].tolist() == ["s1"] * 4


def test_levels_are_what_the_file_writes(tmp_path: Path) -> None:
    """A number is one if this program writes it so; 1 and 1.0 are one level, 1.1 and 1.10 are not."""
    levels = ["1.10", "1.1", "007", "2:30", "0x1F", "yes", "on", "1", "True", "1e-3", "0.001", "nan"]
    text = "m,seed,y\n" + "".join(f"{level},0,1\n" for level in levels)
    results = read_results(written(tmp_path, text), ["m"], "seed", ["y"])
    assert plain(results, "m") == ["1.10", 1.1, "007", "2:30", "0x1F", "yes", "on", 1, True, "1e-3", 0.001, "nan"]
    with pytest.raises(UsageError, match="line 2 and results.csv, line 3 are both m=1, seed 0"):
        read_results(written(tmp_path, "m,seed,y\n1,0,1\n1.0,0,2\n"), ["m"], "seed", ["y"])


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    text = '\ufeffm, seed, y, note\r\n\r\na, 0, 1, "two\nlines"\r\nb, 0, 2, one\r\n'
    path = tmp_path / "results.csv"
    path.write_bytes(text.encode())
    results = read_results(path, ["m"], "seed", ["y"])
    assert results.runs["directory"].tolist() == ["results.csv, line 4", "results.csv, line 5"]
    assert plain(results, "m") == ["a", "b"]
    assert results.values["y"].tolist() == [1.0, 2.0]


def test_seeds_of_floats_are_numbers_and_other_seeds_texts(tmp_path: Path) -> None:
    runs = read_results(written(tmp_path, "m,seed,y\na,10.0,1\na,2.0,1\nb,10.0,2\nb,2.0,2\n"), ["m"], "seed", ["y"]).runs
    assert runs["seed"].tolist() == [10, 2, 10, 2]
    runs = read_results(
        written(tmp_path, "m,seed,y\na,99999999999999999999,1\nb,99999999999999999999,2\n"), ["m"], "seed", ["y"]
    ).runs
    assert runs["seed"].tolist() == ["99999999999999999999"] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"results.csv, read as a CSV file, has no rows; expected a header and one row for each run"),
        ("m,seed,y\na,0,1,\nb,0,2,\n", r"line 2: 4 fields, but the header has 3\."),
        ("m,seed,y\na,0,1\nb,0\n", r"line 3: 2 fields, but the header has 3\."),
        ("m,seed,y,y\na,0,1,1\n", r"two columns named 'y'; rename one"),
        ('m,seed,y\n"a,0,1\n', r"results.csv cannot be read as a CSV file \("),
        ("m,seed,y\na,0,1\nb,,1\n", r"line 3: seed is empty; every run needs a seed"),
        ("m,seed,y\n", r"has no rows; expected a header"),
        ("m,seed\na,0\n", r"--metric y: .*results.csv has no such column; available: m, seed\."),
        ("m,seed,y\na,0,1\na,1,2\n", r"--factors m: it is a in every row of .*; a factor needs two levels"),
        ("m,seed,y\na,0,1\nb,0,high\n", r"line 3: y is 'high'; it should be a number, empty for a run without"),
        (
            "m,seed,y\na,0,1\nb,0,1\na,0,2\n",
            r"line 2 and results\.csv, line 4 are both m=a, seed 0\. Add the column that distinguishes them",
        ),
        (
            "m,seed,y,status\na,0,1,fine\nb,0,1,\n",
            r"line 2: unknown status 'fine' in the column status; use words such as finished",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_results(written(tmp_path, text), ["m"], "seed", ["y"])


def test_a_column_is_named_once(tmp_path: Path) -> None:
    path = written(tmp_path, "m,seed,y\na,0,1\nb,0,1\n")
    with pytest.raises(UsageError, match="the column seed is named twice among --factors, --seed and --metric; name it once"):
        read_results(path, ["m", "seed"], "seed", ["y"])
    with pytest.raises(UsageError, match=r"no\.csv cannot be read as a CSV file \(No such file"):
        read_results(tmp_path / "no.csv", ["m"], "seed", ["y"])


def test_any_column_name_can_be_a_factor_or_a_metric(tmp_path: Path) -> None:
    """Factors and metrics have frames of their own, so that no name is reserved."""
    results = read_results(written(tmp_path, "cell,seed,accuracy\nlstm,0,0.7\ngru,0,0.8\n"), ["cell"], "seed", ["accuracy"])
    assert results.factors == {"cell": Factor.of("cell", ["lstm", "gru"])}
    assert results.runs["cell"].tolist() == ["cell=lstm", "cell=gru"]
    assert plain(results, "cell") == ["lstm", "gru"]
    assert results.to_frame()["factor.cell"].tolist() == ["lstm", "gru"]
    results = read_results(written(tmp_path, "seed,rep,label\na,0,1\nb,0,2\n"), ["seed"], "rep", ["label"])
    assert results.runs["seed"].tolist() == [0, 0]
    assert plain(results, "seed") == ["a", "b"]
    assert results.values["label"].tolist() == [1.0, 2.0]


def test_a_usual_column_that_is_a_metric_or_a_factor_is_only_that(tmp_path: Path) -> None:
    text = "status,seed,error\nwarm,0,0.1\ncold,0,0.2\n"
    results = read_results(written(tmp_path, text), ["status"], "seed", ["error"])
    assert results.runs["status"].tolist() == ["finished"] * 2
    assert results.runs["error"].tolist() == [None, None]
    assert results.values["error"].tolist() == [0.1, 0.2]
    assert plain(results, "status") == ["warm", "cold"]


def test_results_without_factors_have_one_cell(tmp_path: Path) -> None:
    results = read_results(written(tmp_path, "seed,y\n0,1\n1,2\n"), [], "seed", ["y"])
    assert results.runs["cell"].tolist() == ["base", "base"]
    assert results.levels.shape == (2, 0)


def test_a_long_preamble_is_skipped_and_rows_that_begin_with_a_number_sign_are_not(tmp_path: Path) -> None:
    table = "m,seed,y\na,0,1\nb,0,2\n"
    assert len(read_results(written(tmp_path, "# made by hand\n" * 20 + table), ["m"], "seed", ["y"]).runs) == 2
    numbered = "m,seed,y\n#12,0,1\n#13,0,2\n"
    for text in (numbered, "# of issues\n" * 9 + numbered):
        runs = read_results(written(tmp_path, text), ["m"], "seed", ["y"]).runs
        assert sorted(runs["cell"].map(str)) == ["m=#12", "m=#13"]


def test_a_row_of_a_method_with_a_number_sign_is_no_comment(tmp_path: Path) -> None:
    """Its fields are those of the header; the methods without one are more."""
    rows = "".join(f"{method},{seed},0.{seed}\n" for method in ("plain", "other", "#1 ours", "more") for seed in (1, 2))
    comments = "# a remark\n# two, three, four\n#plain,3,0.3\n# other,4,0.4\n# rerun on 3 May, seed 1, ok\n"
    found = read_results(written(tmp_path, "m,seed,y\n" + rows + comments), ["m"], "seed", ["y"])
    assert len(found.runs) == 8
    assert "m=#1 ours" in set(found.runs["cell"].map(str))


def test_a_comma_before_three_digits_beside_a_point_is_not_guessed(tmp_path: Path) -> None:
    """81,204 as a thousand times what it is would be a table of nonsense, with an interval."""
    path = tmp_path / "r.csv"
    path.write_text("lr;seed;accuracy\n0.1;0;81,204\n0.1;1;80,911\n0.01;0;82,015\n0.01;1;82,303\n")
    with pytest.raises(UsageError) as refused:
        read_table(path)
    assert str(refused.value) == (
        f"{path}: 81,204 may be 81.204 or 81204, since 0.1 has a point. Add `--decimal ,` or `--decimal .`."
    )
    for decimal, value in ((",", 81.204), (".", 81204.0)):
        table = read_table(path, decimal=decimal)
        assert parse(table.frame["accuracy"], table.decimal).values[0] == value


@pytest.mark.parametrize(
    ("column", "decimal"),
    [("0,5", ","), ("81,2", ","), ("1,234.5", None), ("1,234,567", None), ("12", None)],
)
def test_other_commas_say_what_they_are(tmp_path: Path, column: str, decimal: str | None) -> None:
    (tmp_path / "r.csv").write_text(f"x;y;z\n{column};2.1;81,204\n")
    if column == "12":
        with pytest.raises(UsageError, match="81,204 may be"):
            read_table(tmp_path / "r.csv")
    else:
        assert read_table(tmp_path / "r.csv").decimal == decimal


@pytest.mark.parametrize("widths", [("64,128", "64,256"), ("3,5", "3,7")])
def test_lists_with_commas_say_nothing_of_decimals(tmp_path: Path, widths: tuple[str, str]) -> None:
    rows = [f"{width};{seed};0.{9 * 100 + seed}" for width in widths for seed in range(3)]
    (tmp_path / "r.csv").write_text("\n".join(["widths;seed;accuracy", *rows]) + "\n")
    table = read_table(tmp_path / "r.csv")
    assert table.decimal is None
    assert parse(table.frame["accuracy"], table.decimal).values[0] == 0.9


def test_excels_line_with_the_delimiter_is_the_first_one_and_no_row_of_results(tmp_path: Path) -> None:
    """Rows whose first field began with `sep=` were left out in silence."""
    path = tmp_path / "results.csv"
    path.write_text("sep=;\nconfig;seed;accuracy\nsep=true;0;0.8\nsep=false;0;0.7\n", encoding="utf-8")
    table = read_table(path)
    assert table.frame["config"].tolist() == ["sep=true", "sep=false"]
    assert table.places == ["results.csv, line 3", "results.csv, line 4"]
