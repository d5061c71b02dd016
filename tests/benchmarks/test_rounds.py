"""Every case is measured once in each round, in an order that changes."""

from benchmarks.rounds import interleave


def test_each_round_measures_each_case_once_in_a_new_order() -> None:
    log: list[str] = []

    def case(name: str) -> float:
        log.append(name)
        return float(len(log))

    values = interleave({name: lambda name=name: case(name) for name in "abcd"}, rounds=5)  # type: ignore[misc]
    rounds = [log[start : start + 4] for start in range(0, 20, 4)]
    assert all(sorted(names) == list("abcd") for names in rounds)
    assert len({tuple(names) for names in rounds}) > 2
    assert values["a"] == [1.0 + 4 * number + names.index("a") for number, names in enumerate(rounds)]
