"""benchmarks/launchers.py, with the launcher that needs no other package."""

import pytest

from benchmarks import launchers


def test_the_cost_of_a_further_run_is_the_median_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = iter([0.0, 0.0, 0.1, 0.1, 9.0, 0.2])
    monkeypatch.setattr(launchers, "sweep", lambda name, runs: (5 + 0.3 * runs + next(noise), 1 + 0.2 * runs))
    found = launchers.measured(["basic"], rounds=3, few=2, many=12)
    assert found["basic"] == [pytest.approx(0.3), pytest.approx(0.2)]


@pytest.mark.slow
def test_a_sweep_takes_time() -> None:
    wall, cpu = launchers.sweep("basic", 2)
    assert wall > 0.3
    assert 0.3 < cpu < 100


def test_the_table_has_ratios_and_no_cpu_time_for_jobs_of_daemons() -> None:
    text = launchers.report({"basic": [0.1, 0.05], "submitit_slurm": [0.4, 0.01]})
    assert text.splitlines()[2:] == [
        "| basic | 0.10 s | 0.05 s | 1.0 | 1.0 |",
        "| submitit_slurm | 0.40 s |  | 4.0 |  |",
    ]
