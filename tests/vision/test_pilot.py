"""The rule by which the pilot chooses a budget."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from ablate.core.errors import UsageError
from ablate.run import conf
from ablate.stats.power import seeds_needed
from ablate.vision import pilot
from ablate.vision.config import Config
from ablate.vision.pilot import Budget, Decidable, assess, choose, commands, schedule

ROOT = Path(__file__).parent.parent.parent


def budget(name: str, seeds: list[int | None], hours_per_seed: float, accuracy: float = 0.85) -> Budget:
    claims = tuple(Decidable(f"C{number}", 0.01, 0.01, each, (5, None)) for number, each in enumerate(seeds))
    return Budget(name, {"budget.epochs": 5}, accuracy, claims, hours_per_seed)


def test_the_hours_are_those_of_the_claim_that_needs_the_most_seeds() -> None:
    assert budget("a", [5, 12], 2.0).hours == 24
    assert budget("a", [5, None], 2.0).hours == 40


def test_of_budgets_that_decide_as_many_claims_the_cheapest_is_chosen() -> None:
    cheap, dear, blind = budget("cheap", [12, 8], 1.0), budget("dear", [5, 5], 3.0), budget("blind", [5, None], 0.1)
    assert choose([dear, cheap, blind]) is cheap
    assert choose([dear, blind]) is dear


def test_a_budget_whose_networks_have_not_learned_is_not_chosen() -> None:
    weak = budget("weak", [5, 5], 0.1, accuracy=0.79)
    assert choose([weak]) is None
    assert choose([weak, budget("strong", [None, None], 9.0)]).name == "strong"


def test_the_schedule_is_the_authors_in_fewer_epochs() -> None:
    """He halves the rate every 10 of 100 epochs: 2 to the -9 in the last tenth."""
    for images, epochs in pilot.CANDIDATES:
        assert images <= 50_000
        levels = (epochs - 1) // schedule(epochs)["step_epochs"]
        last = schedule(epochs)["gamma"] ** levels
        assert 0.5**9 <= last <= 0.5**8


def test_the_commands_compose_and_are_cheapest_first() -> None:
    sizes = []
    for command in commands():
        overrides = re.findall(r"\S+=\S+", command)
        with initialize_config_dir(str(conf()), version_base="1.3"):
            cfg = compose("config", ["data=builtin", *overrides])
        sizes.append(cfg.budget.epochs * cfg.data.train_size)
        assert cfg.study.seeds == [100, 101, 102, 103, 104]
        assert cfg.study.name == f"pilot-{cfg.data.train_size}x{cfg.budget.epochs}"
        assert cfg.budget.name == "short"
    assert sizes == sorted(sizes)


def test_the_pilot_has_the_configurations_and_claims_of_the_study() -> None:
    with initialize_config_dir(str(conf()), version_base="1.3"):
        full, short, of_pilot = (
            OmegaConf.to_container(compose("config", [f"+study={name}"], return_hydra_config=True), resolve=False)
            for name in ("qiita", "qiita_short", "pilot")
        )
    assert short["hydra"]["sweeper"]["params"] == of_pilot["hydra"]["sweeper"]["params"]
    assert short["hydra"]["sweeper"]["params"].items() - full["hydra"]["sweeper"]["params"].items() == {
        ("model.initialization", "torch,he")
    }
    assert short["study"]["claims"] == of_pilot["study"]["claims"]
    assert of_pilot["budget"] == short["budget"]
    claims = {claim["id"]: claim for claim in full["study"]["claims"]}
    changed = []
    for claim in short["study"]["claims"]:
        began = claim.get("where", {}).pop("model.initialization", None)
        assert began == {"C3": "he", "C6": None, "C8": None}.get(claim["id"], "torch")
        if claim != claims[claim["id"]]:
            changed.append(claim["id"])
    assert changed == ["C2", "C7"]
    assert claims.keys() - {claim["id"] for claim in short["study"]["claims"]} == {"C9"}
    assert [networks(each) for each in (full, short, of_pilot)] == [9, pilot.CONFIGURATIONS, 9]
    began = {"norm": "none", "model.initialization": "torch"}
    assert began in short["study"]["exclude"], "without BN, torch's initialization does not learn"


def networks(study: dict[str, Any]) -> int:
    """The configurations of a study that are not excluded; stem.activation changes nothing where there is no stem."""
    factors = {key: yaml.safe_load(f"[{levels}]") for key, levels in study["hydra"]["sweeper"]["params"].items()}
    cells = [dict(zip(factors, levels, strict=True)) for levels in itertools.product(*factors.values())]
    kept = [cell for cell in cells if not any(each.items() <= cell.items() for each in study["study"]["exclude"])]
    return sum(not (cell["stem"] == "direct" and cell["stem.activation"]) for cell in kept)


def test_a_study_is_assessed_by_its_paired_differences() -> None:
    """The committed study stands for a pilot: C4's margin and the seeds are those of `seeds_needed`."""
    found = assess(ROOT / "outputs" / "qiita")
    claims = {claim.claim: claim for claim in found.claims}
    assert set(claims) == {"C1", "C3", "C4", "C5", "C6"}
    assert 0.3 < found.accuracy < 0.6
    assert found.settings["budget.epochs"] == 5
    assert all(claim.seeds is None for claim in found.claims)  # their networks are below 50 %
    assert seeds_needed(claims["C4"].sd, 0.01, claims=5) is None
    assert claims["C4"].sd == claims["C5"].sd
    assert 0.05 < found.hours_per_seed < 1


def test_the_result_is_a_table_and_the_values_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"a": budget("pilot-1", [5, None], 1.0), "b": budget("pilot-2", [8, 12], 1.0)}
    monkeypatch.setattr(pilot, "assess", found.__getitem__)
    assert pilot.main(["a", "b"]) == 0
    printed = capsys.readouterr().out
    assert "8 (5 to > 20)" in printed
    assert "Chosen: pilot-2. Set:" in printed
    assert yaml.safe_load(printed.split("Set:")[1]) == {"conf/budget/short.yaml": {"budget.epochs": 5}}
    assert pilot.main(["a"]) == 0
    assert "Not decidable with 20 seeds: C1." in capsys.readouterr().out


def test_without_studies_the_commands_are_printed_and_unusable_ones_end_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert pilot.main([]) == 0
    assert capsys.readouterr().out.splitlines() == commands()
    assert pilot.main([str(tmp_path / "nothing")]) == 2
    assert capsys.readouterr().err.startswith("ablate: ")
    monkeypatch.setattr(pilot, "assess", lambda _: budget("weak", [5], 1.0, accuracy=0.5))
    assert pilot.main(["weak"]) == 1
    assert "No network reaches 80%: run a larger budget." in capsys.readouterr().out


def test_unfinished_runs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    results = pilot.load_results(ROOT / "outputs" / "qiita")
    results.runs.loc[results.runs.index[:2], "status"] = "running"
    monkeypatch.setattr(pilot, "load_results", lambda _: results)
    with pytest.raises(UsageError, match=r"^outputs: 2 runs of the pilot are not finished; type its command again\.$"):
        assess("outputs")


def test_the_short_budget_is_one_of_the_candidates(experiment: Callable[..., Config]) -> None:
    config = experiment("budget=short")
    assert (config.data.train_size, config.budget.epochs) in pilot.CANDIDATES
    assert config.schedule.gamma == schedule(config.budget.epochs)["gamma"]
    assert config.schedule.step_epochs == schedule(config.budget.epochs)["step_epochs"]
