"""What a later command may add to a study, and what it may not change."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ablate.core.descriptions import Description
from ablate.core.errors import UsageError
from ablate.core.levels import Factor
from ablate.core.metrics import MetricSpec
from ablate.engine import study_update
from ablate.engine.options import StudyOptions
from ablate.engine.study_update import (
    Sweep,
    claims_of,
    factors_of,
    left_out,
    program_of,
    runs_before_claims,
    settled_description,
    settled_option,
    stand_in_digest,
    updated,
    with_stand_ins,
)
from ablate.storage.layout import short_experiment
from ablate.storage.manifest import Decision, StudyManifest
from tests.engine.test_planning import cell, stems
from tests.report.studies import write_runs

STUDY = Path("outputs/s")
CLAIM = {
    "id": "A", "says": "s", "kind": "contrast", "contrast": {"factor": "x", "from": 1, "to": 2}, "expects": "higher", "margin": 1
}  # fmt: skip

COMPOSER: Any = SimpleNamespace(factors={}, swept={})


def next_sweep(controls: Mapping[str, Any] | None = None, **asked: Any) -> Sweep:
    """A command that adds seeds."""
    return Sweep(
        program=("a.py", None), options=StudyOptions.of(asked), fixed={}, cells=[cell(x=1)], seeds=[5, 6, 7], orders={},
        decisions={}, description=Description(), again=True, controls=controls,
    )  # fmt: skip


def test_factors_and_levels_of_earlier_commands_stay_in_front() -> None:
    before = StudyManifest(factors={"x": [2, 1], "z": ["a"]})
    cells = [cell(x=1, y=True), cell(x=3, y=False)]
    assert factors_of(before, cells, {}) == {"x": [2, 1, 3], "z": ["a"], "y": [True, False]}


def test_a_study_belongs_to_one_program() -> None:
    assert program_of(STUDY, StudyManifest(), "x/a.py", "train") == {"program": "x/a.py", "function": "train"}
    with pytest.raises(UsageError, match="the study outputs/s belongs to a.py, not to b.py: choose another study.name"):
        program_of(STUDY, StudyManifest(program="a.py"), "b.py", None)
    known = StudyManifest(program="x/a.py", function="train")
    for file in ("a.py", "x/a.py", "home/x/a.py"):  # on a machine that has the project elsewhere
        assert program_of(STUDY, known, file, "train") == {"program": "x/a.py", "function": "train"}
    for file, function, said in (
        ("y/a.py", "train", "x/a.py, not to y/a.py"),
        ("a.py", "test", "a.py:train, not to a.py:test"),
    ):
        with pytest.raises(UsageError, match=said):
            program_of(STUDY, known, file, function)
    assert program_of(STUDY, StudyManifest(program="a.py"), "x/a.py", "test") == {"program": "a.py", "function": None}


def test_claims_are_settled_once() -> None:
    before = StudyManifest(claims=[CLAIM])
    assert claims_of(STUDY, before, []) == claims_of(STUDY, before, [CLAIM]) == [CLAIM]
    assert claims_of(STUDY, StudyManifest(), [CLAIM]) == [CLAIM]
    with pytest.raises(UsageError, match="the claims of outputs/s are fixed since its start; these differ: A, B"):
        claims_of(STUDY, StudyManifest(claims=[CLAIM, {**CLAIM, "id": "B"}]), [{**CLAIM, "margin": 2}])


def test_the_words_of_a_claim_may_change() -> None:
    reworded = {**CLAIM, "says": "other words", "published": 0.3}
    assert claims_of(STUDY, StudyManifest(claims=[CLAIM]), [reworded]) == [reworded]


def test_chance_and_limits_stay_as_they_were_when_the_claims_were_settled() -> None:
    now = Description(metrics=(MetricSpec("acc", title="top-1", chance=0.5), MetricSpec("new", chance=1.0)))
    assert settled_description(STUDY, StudyManifest(), now, {}) is now
    old = StudyManifest(claims=[CLAIM], chance={"acc": 0.1}, budgets={"steps": 9})  # as earlier versions kept them
    recorded = StudyManifest(
        claims=[CLAIM], description={"metrics": {"acc": {"title": "accuracy", "chance": 0.1}, "steps": {"limit": 9}}}
    )
    for before in (old, recorded):
        settled = {spec.name: spec for spec in settled_description(STUDY, before, now, {"acc": {"chance": 0.1}}).metrics}
        assert (settled["acc"].title, settled["acc"].chance, settled["steps"].limit, settled["new"].chance) == (
            "top-1",
            0.1,
            9,
            None,
        )
        for asked, said in (
            ({"acc": {"chance": 0.2}}, "the chance of acc is fixed with the claims of outputs/s: it was 0.1 and is now 0.2"),
            ({"acc": {"better": "lower"}}, "the better of acc is fixed with the claims of outputs/s: it was higher and is now"),
            ({"other": {"limit": 3}}, "the limit of other is fixed with the claims of outputs/s: it was null and is now 3"),
        ):
            with pytest.raises(UsageError, match=said):
                settled_description(STUDY, before, now, asked)


def test_runs_are_left_out_with_the_last_reason(tmp_path: Path) -> None:
    before = StudyManifest(leave_out=[{"x": 1, "reason": "old"}])
    factors = {"x": Factor.of("x", [1, 2])}
    cells = [cell(x=1), cell(x=2)]
    (tmp_path / "out.yaml").write_text("- {x: 1, reason: new}\n- {x: [1, 2], seed: 3, reason: both}")
    assert left_out(before, str(tmp_path / "out.yaml"), factors, cells, [0, 3]) == [
        {"x": 1, "reason": "new"},
        {"x": [1, 2], "seed": 3, "reason": "both"},
    ]
    for entry in ({"x": 3, "reason": "r"}, {"x": 1, "seed": 7, "reason": "r"}):
        with pytest.raises(UsageError, match="study.leave_out: no run of this sweep matches x="):
            left_out(before, [entry], factors, cells, [0, 3])
    with pytest.raises(UsageError, match="expected a condition and a reason"):
        left_out(before, [{"x": 1}], factors, cells, [0])
    with pytest.raises(UsageError, match="study.leave_out=nowhere.yaml: the file cannot be read"):
        left_out(before, "nowhere.yaml", factors, cells, [0])


def test_the_known_cells_are_not_searched_for_each_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a study of 10,000 cells, comparing each with each took 25 s."""
    shortened: list[str] = []

    def short(digest: str) -> str:
        shortened.append(digest)
        return digest[:16]

    monkeypatch.setattr(study_update, "short_experiment", short)
    cells = [cell(x=number) for number in range(20)]
    before = StudyManifest(experiments={each.short: each.builds[:16] for each in cells[:10]})
    assert with_stand_ins(before, before, cells, {}).same == {}
    assert shortened == [each.builds for each in cells[10:]]


def test_a_cell_that_builds_what_an_earlier_command_ran_is_reported_from_its_runs() -> None:
    pyramid, _, direct, equal = stems()
    before = StudyManifest(factors={"size": [1]}, experiments={direct.short: direct.builds[:16]})
    manifest = with_stand_ins(before, before, [pyramid, equal], {})
    ((digest, entry),) = manifest.same.items()
    assert (digest, entry.runner) == (equal.short, direct.short)
    assert (entry.label, entry.levels) == ("stem=direct,activation=gelu", {"stem": "direct", "activation": "gelu"})
    assert stand_in_digest(equal, direct) == equal.digest
    assert stand_in_digest(equal, equal) != equal.digest  # two levels that compose to the very same configuration


def test_looks_and_blocks_are_settled_with_the_claims() -> None:
    before = StudyManifest(claims=[CLAIM], looks=[5, 10], blocks="dataset")
    assert settled_option(STUDY, before, "looks", [], before.looks) == [5, 10]
    assert settled_option(STUDY, before, "blocks", None, before.blocks) == "dataset"
    assert settled_option(STUDY, StudyManifest(looks=[5]), "looks", [5, 10], [5]) == [5, 10]  # there are no claims yet
    with pytest.raises(
        UsageError, match=r"study.looks was settled with the claims of outputs/s: it was \[5, 10\] and is now \[20\]"
    ):
        settled_option(STUDY, before, "looks", [20], before.looks)
    with pytest.raises(UsageError, match="study.looks was settled .* it was null and is now"):
        settled_option(STUDY, StudyManifest(claims=[CLAIM]), "looks", [20], [])


def test_options_of_the_report_may_be_set_back() -> None:
    before = StudyManifest(
        program="a.py", fixed={"y": 1}, block_scale="ratio", block_bounds={"pong": (0, 1)}, controls={"x": [(1, 2)]}
    )
    options = ("block_scale", "block_bounds", "controls")

    def after(**asked: Any) -> list[Any]:
        now = updated(STUDY, before, next_sweep(**asked), COMPOSER)
        return [getattr(now, option) for option in options]

    assert after() == [getattr(before, option) for option in options]
    assert after(block_scale="difference", block_bounds={}, controls={}) == ["difference", {}, {}]


def test_what_a_look_decided_holds_for_the_next_one() -> None:
    """Such as study.n_jobs=auto, which no override contains."""
    before = StudyManifest(program="a.py", fixed={"y": 1}, decisions={"study.n_jobs": Decision(asked="auto", took=2)})
    assert updated(STUDY, before, next_sweep(), COMPOSER).decisions == before.decisions


def test_exploratory_claims_may_be_added_and_primary_ones_may_not() -> None:
    before, more = StudyManifest(claims=[CLAIM]), {**CLAIM, "id": "B"}
    added = [CLAIM, {**more, "primary": False}]
    assert claims_of(STUDY, before, added) == added
    with pytest.raises(UsageError, match="these differ: B"):
        claims_of(STUDY, before, [CLAIM, more])
    with pytest.raises(UsageError, match="these differ: A"):
        claims_of(STUDY, before, [{**more, "primary": False}])


def test_a_metric_that_is_described_later_does_not_become_that_of_claims_without_one(tmp_path: Path) -> None:
    """The main metric of a program without descriptions is the first that its runs have."""
    claim = {key: value for key, value in CLAIM.items() if key != "metric"}
    write_runs(tmp_path, [{"x": 1}], 1, description=Description())
    before = StudyManifest(claims=[claim])
    now = Description(metrics=(MetricSpec("speed", digits=3),))
    settled = settled_description(tmp_path, before, now, {"speed": {"digits": 3}})
    assert [spec.name for spec in settled.metrics] == ["test_accuracy", "speed"]
    recorded = StudyManifest(claims=[claim], description=settled.to_mapping())
    turned = Description(metrics=now.metrics[::-1])
    assert next(iter(settled_description(tmp_path, recorded, turned, {}).metrics)).name == "test_accuracy"


def test_only_finished_runs_before_the_first_claims_are_counted(tmp_path: Path) -> None:
    write_runs(tmp_path, [{"x": 1}, {"x": 2}], 2, status=lambda _, seed: ("finished" if seed else "failed", None))
    claims = [{"id": "A"}]
    assert runs_before_claims(tmp_path, StudyManifest(), claims) == 2
    assert runs_before_claims(tmp_path, StudyManifest(claims=claims), claims) == 0
    assert runs_before_claims(tmp_path, StudyManifest(), []) == 0


def test_a_further_command_keeps_what_the_study_has() -> None:
    """Its seeds, the digests of its cells, and the rules by which an earlier version identified its runs."""
    before = StudyManifest(program="a.py", fixed={"y": 1}, seeds=[0, 1, 5], experiments={"0ld": "e"}, identity=1)
    now = updated(STUDY, before, next_sweep(), COMPOSER)
    assert now.seeds == [0, 1, 5, 6, 7]
    assert now.experiments == {"0ld": "e", cell(x=1).short: short_experiment(cell(x=1).builds)}
    assert now.identity == 1
