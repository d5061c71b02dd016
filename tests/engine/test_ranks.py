"""Several processes of one run: one of them plans and records, the others take part in its runs."""

import importlib
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from ablate.core.errors import UsageError
from ablate.engine import ranks
from ablate.engine.following_run import FollowingRun
from ablate.engine.run import Run
from ablate.storage import code_files, files
from ablate.storage.dataframe import load_runs
from ablate.storage.records import RunRecord
from tests.conftest import APPS

TORCHRUN = ("-m", "torch.distributed.run", "--nproc-per-node", "2")


@pytest.fixture(autouse=True)
def no_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ranks.OF_A_RUN, *ranks.NODES, ranks.SWITCH, ranks.FOLDER):
        monkeypatch.delenv(name, raising=False)


def record() -> RunRecord:
    return RunRecord(identity="i", cell="c", seed=3, label="base", choices={}, overridden=[])


@pytest.mark.parametrize("variable", ranks.RANKS)
def test_each_launcher_says_which_process_is_not_the_first(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "0")
    assert not ranks.joins()
    monkeypatch.setenv(variable, "1")
    assert ranks.joins()
    monkeypatch.setenv(ranks.SWITCH, "off")
    assert not ranks.joins()


@pytest.mark.skipif(sys.platform != "linux", reason="of /proc")
def test_a_launcher_may_have_a_name_that_the_kernel_cuts_within_a_character(tmp_path: Path) -> None:
    """The names of processes have 15 bytes."""
    script = tmp_path / "a訓練ランチャー.sh"
    code = "from ablate.engine import ranks; print(ranks._parent())"
    script.write_text(f'#!/bin/sh\n"{sys.executable}" -c "{code}"\nexit $?\n')
    script.chmod(0o755)
    found = subprocess.run([script], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+-\d+", found.stdout.strip())


def test_a_rank_that_cannot_know_its_run_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(UsageError, match=r"not the first of a run \(LOCAL_RANK=1\), and the process to join is unknown"):
        ranks.follow(lambda cfg, run: None)


def test_a_link_in_place_of_the_folder_of_ranks_is_not_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Which another user can make in a folder for temporary files."""
    monkeypatch.setenv(ranks.FOLDER, str(tmp_path))
    folder = ranks._folder()
    folder.rename(tmp_path / "mine")
    folder.symlink_to(tmp_path / "mine")
    with pytest.raises(UsageError, match="not a folder that only this user can access"):
        ranks._folder()


def test_ranks_on_several_machines_need_a_common_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="several machines: set ABLATE_RANKS_DIR to a folder"):
        ranks.follow(lambda cfg, run: None)
    monkeypatch.setenv(ranks.FOLDER, str(tmp_path))
    monkeypatch.setattr(ranks, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(UsageError, match=r"rank 0 has ended or did not start within 0 s"):
        ranks.follow(lambda cfg, run: None)


def test_a_rank_follows_the_runs_of_the_first_and_ends_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("MASTER_PORT", "29500")
    monkeypatch.setattr(ranks.shutil, "rmtree", lambda *_, **__: None)
    monkeypatch.setenv(ranks.FOLDER, str(tmp_path))
    ports = []
    with ranks.leading():
        (next(tmp_path.glob("ablate-ranks-*")) / f"{ranks.LEFT}1").touch()  # as if it had been here
        for x in (1, 2):
            with ranks.shared(OmegaConf.create({"x": x}), Run(tmp_path / f"run{x}", record(), {"x": x})):
                ports.append(os.environ["MASTER_PORT"])
                os.environ["MASTER_PORT"] = "1234"
            assert os.environ["MASTER_PORT"] == "29500"
        with pytest.raises(
            UsageError, match=r"several ranks \(WORLD_SIZE=2\), so its runs cannot be executed by JoblibLauncher"
        ):
            ranks.refuse_launcher("JoblibLauncher")
        ranks.refuse_launcher("BasicLauncher")
    monkeypatch.setenv("RANK", "3")
    seen = []

    def train(cfg, run):
        seen.append((cfg.x, run.seed, run.rank, run.directory.name, os.environ["MASTER_PORT"]))
        raise RuntimeError("the other ranks fail too")

    ranks.follow(train)
    assert seen == [(1, 3, 3, "run1", ports[0]), (2, 3, 3, "run2", ports[1])]
    assert ports[0] == "29500" != ports[1]  # the store of a launcher serves one process group only


def test_a_rank_that_starts_after_the_command_has_ended_finds_its_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of a command whose runs are all done, rank 0 may end before the others have imported torch."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv(ranks.FOLDER, str(tmp_path))
    with ranks.leading(), ranks.shared(OmegaConf.create({}), Run(tmp_path / "run", record(), {})):
        pass
    monkeypatch.setenv("RANK", "1")
    seen: list[object] = []
    ranks.follow(lambda cfg, run: seen.append(cfg))
    assert seen == []  # rank 0 is gone
    (folder,) = tmp_path.glob("ablate-ranks-*")
    started = files.started_at(os.getpid())
    assert started is not None
    os.utime(folder / "end", (started - 3, started - 3))  # that of an earlier command
    (folder / "leader").unlink()
    monkeypatch.setattr(ranks, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(UsageError, match="rank 0 has ended or did not start within 0 s"):
        ranks.follow(lambda cfg, run: None)


def test_a_rank_sees_the_configuration_of_hydra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with initialize_config_dir(str(APPS / "conf"), version_base="1.3"):
        cfg = compose(
            "saving",
            ["hydra.job.name=saving", "hydra.mode=MULTIRUN", "hydra.sweep.subdir=${x}", "x=7"],
            return_hydra_config=True,
        )
    monkeypatch.setattr(HydraConfig.instance(), "cfg", None)
    HydraConfig.instance().set_config(cfg)
    before = HydraConfig.instance().cfg
    assert before is not None
    began = before.hydra.sweep.dir  # has the time, with seconds
    monkeypatch.setattr("hydra.core.utils.datetime", None)  # not asked again
    seen = []

    def train(*_: object) -> None:
        whole = HydraConfig.instance().cfg
        assert whole is not None
        seen.append((whole is not before, whole.hydra.sweep.dir, whole.hydra.sweep.subdir, HydraConfig.get().mode))

    with ranks.shared(OmegaConf.create({"x": 1}), Run(tmp_path / "run", record(), {"x": 1})):
        monkeypatch.setenv("LOCAL_RANK", "1")
        ranks.follow(train)
    assert seen == [(True, began, "7", RunMode.MULTIRUN)]


def test_a_rank_writes_nothing_and_restores_what_the_first_saved(tmp_path: Path) -> None:
    first = Run(tmp_path, record(), {})
    with first.attempt():
        first.note(numerics={"threads": 1})
        first.log(epoch=1, loss=0.5)
        first.save({"epoch": 1})
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        other = FollowingRun(tmp_path, record(), {})
        assert other.restore() is None  # other numerics
        other.note(numerics={"threads": 1})
        assert other.restore() == {"epoch": 1}
        other.expect(3)
        other.log(epoch=2, loss=0.1)
        other.save({"epoch": 2})
        other.keep("arrays", a=np.zeros(1))
        assert other.derive("x") == first.derive("x") < 2**32
        assert other.stream("x").normal() == first.stream("x").normal()
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_what_killed_commands_left_in_the_temporary_folder_is_removed_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    gone, own, number = files.owner(dead.pid), files.owner(), iter(range(9))

    def folder(*ranks: str, leader: str | None = None, old: bool = False) -> Path:
        path = tmp_path / f"ablate-ranks-{os.getuid()}-{next(number)}"
        path.mkdir()
        for rank in ranks:
            (path / f"rank-{rank}").touch()
        if leader is not None:
            (path / "leader").write_text(leader)
        if old:
            os.utime(path, (0, 0))
        return path

    (tmp_path / f".ablate-run.{gone}-abcdefgh").touch()
    (tmp_path / f".ablate-job.{gone}-abcdefgh" / "study").mkdir(parents=True)
    folder(leader=gone)
    folder(gone, leader=gone)
    folder(gone, old=True)
    kept = {
        folder(leader=own),
        folder(own, leader=gone),
        folder(gone),  # rank 0 may not have started
        folder(own, old=True),
        folder("00000000-1", leader=gone),
        tmp_path / f".ablate-run.{own}-abcdefgh",
    }
    (tmp_path / f".ablate-run.{own}-abcdefgh").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ranks.remove_abandoned.cache_clear()
    with ranks.leading():
        assert set(tmp_path.iterdir()) == kept
    (tmp_path / f".ablate-run.{gone}-abcdefgh").touch()
    with ranks.leading():
        assert len(set(tmp_path.iterdir()) - kept) == 1  # looked at once in a process


def test_a_rank_does_not_restore_what_another_helper_module_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, helper = tmp_path / "project", tmp_path / "project" / "helper_of_ranks.py"
    project.mkdir()
    helper.write_text("X = 1")
    monkeypatch.syspath_prepend(str(project))
    importlib.import_module("helper_of_ranks")
    folder = tmp_path / "run"
    first = Run(folder, record(), {}, root=project)
    with first.attempt():
        first.save({"epoch": 1})
        assert FollowingRun(folder, record(), {}, root=project).restore() == {"epoch": 1}
        helper.write_text("X = 2")
        monkeypatch.setattr(code_files, "_loaded", {})  # as in processes that start now
        assert FollowingRun(folder, record(), {}, root=project).restore() is None
        assert Run(folder, record(), {}, root=project).restore() is None


def torchrun() -> list[str]:
    with socket.socket() as free:
        free.bind(("", 0))
        return [*TORCHRUN, "--master-port", str(free.getsockname()[1])]


def outputs(tmp_path: Path, *arguments: str) -> str:
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    answer = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def losses(text: str) -> set[float]:
    return {float(line.split()[1]) for line in text.splitlines() if line.startswith("loss ")}


@pytest.mark.slow
def test_a_sweep_under_torchrun_gives_the_numbers_of_the_program_without_it(tmp_path: Path) -> None:
    app = str(APPS / "grouped.py")
    swept = outputs(tmp_path, *torchrun(), app, "-m", "lr=0.1,0.5", "study.name=s", "study.report=false")
    assert "2 finished" in swept
    runs = load_runs(tmp_path / "outputs" / "s").set_index("lr")["loss"]
    for lr in (0.1, 0.5):
        assert losses(outputs(tmp_path, *torchrun(), app, "--plain", str(lr), "0")) == {runs[lr]}
    assert "2 kept" in outputs(tmp_path, *torchrun(), app, "-m", "lr=0.1,0.5", "study.name=s", "study.report=false")
    assert (tmp_path / "outputs" / "s" / "runs").exists()
    assert {row.read_text() for row in tmp_path.glob("outputs/s/runs/*/seed=0/history.csv")} == {"epoch,rank\n1,0\n"}


@pytest.mark.slow
def test_a_sweep_of_lightning_with_two_devices_gives_the_numbers_of_the_program_without_it(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    app = str(APPS / "lit.py")
    swept = outputs(tmp_path, app, "-m", "lr=0.1,0.5", "study.name=s", "study.report=false")
    assert "2 finished" in swept
    runs = load_runs(tmp_path / "outputs" / "s").set_index("lr")["loss"]
    assert len(runs) == 2
    for lr in (0.1, 0.5):
        assert losses(outputs(tmp_path, app, "--plain", str(lr), "0")) == {runs[lr]}
    assert {row.read_text() for row in tmp_path.glob("outputs/s/runs/*/seed=0/history.csv")} == {"processes,steps\n2,4\n"}


def test_on_windows_runs_are_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a traceback, such as that of os.getuid."""
    monkeypatch.delattr(os, "getuid")
    monkeypatch.setattr("sys.platform", "win32")
    for refused in (lambda: ranks.leading().__enter__(), lambda: ranks.follow(lambda cfg, run: None)):
        with pytest.raises(
            UsageError, match=r"runs cannot be executed on Windows: use the Windows Subsystem for Linux \(WSL\)"
        ):
            refused()
