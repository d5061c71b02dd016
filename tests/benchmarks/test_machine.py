"""A machine is named by its hardware and torch; processes are given cores of their own."""

import platform
from pathlib import Path

import pytest

from benchmarks import machine

CPUINFO = "processor\t: 0\nmodel name\t: Fast (R) CPU @ 2.0GHz\nflags\t\t: fpu avx512f {flag}\n\nprocessor\t: 1\nmodel name\t: Other\n"


@pytest.mark.parametrize(("flag", "amx"), [("amx_bf16", True), ("avx512_bf16", False)])
def test_amx_is_read_from_the_flags_of_the_cpu(flag: str, amx: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(flag=flag), encoding="utf-8")
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine.torch.cuda, "is_available", lambda: False)
    found = machine.this_machine()
    assert (found.processor, found.amx) == ("Fast (R) CPU @ 2.0GHz", amx)
    assert found.slug.startswith(f"fast-r-cpu-2.0ghz-{found.cores}-cores-{'amx' if amx else 'no-amx'}-torch-2")
    assert platform.node() not in found.slug


def test_a_system_without_cpuinfo_has_a_name_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "none")
    assert machine.this_machine().processor
    assert not machine.this_machine().amx


def test_threads_of_one_core_are_chosen_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for cpu, siblings in enumerate(("0,1", "0,1", "2,3", "2,3")):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(siblings + "\n", encoding="utf-8")
    monkeypatch.setattr(machine, "TOPOLOGY", tmp_path)
    monkeypatch.setattr(machine, "available", lambda: [0, 1, 2, 3])
    assert machine.choose(2) == [0, 2]
    assert machine.choose(3) == [0, 1, 2]
    with pytest.raises(ValueError, match="5 cores are needed; this process may use 4"):
        machine.choose(5)
