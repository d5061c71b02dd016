"""Programs as other people write them, under `hydra/sweeper=ablate`: each runs the experiments that it runs under Hydra."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from ablate.storage.dataframe import load_results
from tests.conftest import Command

SWEEP = ("-m", "hydra/sweeper=ablate", "hydra.sweeper.report=false")
MAIN = '@hydra.main(version_base="1.3", config_path="conf", config_name="config")\n'
CONFIG = "seed: 0\nlr: 1\n"


def write(folder: Path, train: str, files: Mapping[str, str] | None = None, config: str = CONFIG) -> str:
    for name, content in {"train.py": train, "conf/config.yaml": config, **(files or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return str(folder / "train.py")


def values(study: Path) -> dict[tuple[object, int], float]:
    """The returned number of each level and seed."""
    results = load_results(study)
    (levels,) = (results.levels[key] for key in results.factors)
    found = zip(levels, results.runs["seed"], results.values["value"], strict=True)
    return {(level.value, seed): value for level, seed, value in found}


def program(body: str, before: str = "import hydra\n") -> str:
    return f"{before}{MAIN}def train(cfg):\n    {body}\n\nif __name__ == '__main__':\n    train()\n"


def test_a_list_that_contains_the_seed_is_part_of_the_experiment(command: Command, tmp_path: Path) -> None:
    files = {
        f"conf/aug/{name}.yaml": f"steps:\n  - {{p: {p}, seed: '${{seed}}'}}\n" for name, p in (("weak", 0.1), ("strong", 0.9))
    }
    train = write(tmp_path, program("return float(cfg.aug.steps[0].p)"), files, "defaults: [{aug: weak}, _self_]\nseed: 0\n")
    typed = (train, *SWEEP, "aug=weak,strong", "hydra.sweeper.seeds=2")
    assert "4 finished" in command(*typed).stdout
    assert values(tmp_path / "outputs/aug") == {("weak", 1): 0.1, ("weak", 2): 0.1, ("strong", 1): 0.9, ("strong", 2): 0.9}
    (tmp_path / "conf/aug/strong.yaml").write_text(files["conf/aug/strong.yaml"].replace("0.9", "0.5"))
    assert "outputs/aug has runs of aug=strong with other settings: aug.steps was" in command(*typed, status=2).stderr
    command("-m", "ablate.cli", "rm", "outputs/aug", "--where", "aug=strong", "--yes")
    assert "2 finished, 2 kept" in command(*typed, "hydra.sweeper.seeds=2").stdout


def test_a_factor_that_a_later_command_fixes_is_no_edited_setting(command: Command, tmp_path: Path) -> None:
    files = {f"conf/act/{name}.yaml": f"slope: {slope}\n" for name, slope in (("relu", 0), ("gelu", 1))}
    config = "defaults: [{act: relu}, _self_]\nseed: 0\nlr: 1\nwd: 0\n"
    train = write(tmp_path, program("return 1.0 * cfg.lr + cfg.wd + cfg.act.slope"), files, config)
    typed = (train, *SWEEP, "hydra.sweeper.name=s")
    command(*typed, "lr=1,2")
    command(*typed, "lr=1,2", "wd=0,1", "act=relu,gelu")
    assert "2 finished" in command(*typed, "lr=1,2", "wd=2").stdout  # called lr=1 and lr=2 as the first ones
    assert "2 finished" in command(*typed, "lr=1,2", "wd=2", "act=gelu").stdout


def test_a_study_of_an_earlier_version_keeps_the_runs_of_such_lists(command: Command, tmp_path: Path) -> None:
    config = "seed: 0\nlr: 1\nsteps: [{p: 0.1, seed: '${seed}'}]\n"
    typed = (write(tmp_path, program("return 1.0 * cfg.lr"), config=config), *SWEEP, "lr=1,2")
    manifest = tmp_path / "outputs/lr/study.yaml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("command: an earlier one\nidentity: 1\n")
    command(*typed)
    assert yaml.safe_load(manifest.read_text()).get("identity", 1) == 1
    (made,) = (path.parent.parent.name for path in manifest.parent.glob("runs/lr=1-*/*/run.json"))
    command(*typed, "hydra.sweeper.name=new")
    assert yaml.safe_load((tmp_path / "outputs/new/study.yaml").read_text())["identity"] == 2
    (new,) = (path.parent.parent.name for path in (tmp_path / "outputs/new").glob("runs/lr=1-*/*/run.json"))
    assert new != made
    assert "2 kept" in command(*typed).stdout


def test_levels_that_are_only_known_in_a_run_stay_as_planned(command: Command, tmp_path: Path) -> None:
    train = write(tmp_path, program("return float(cfg.lr)"))
    command(train, *SWEEP, "lr='${seed}',7", "hydra.sweeper.seeds=2")
    assert values(tmp_path / "outputs/lr") == {("${seed}", 1): 1.0, ("${seed}", 2): 2.0, (7, 1): 7.0, (7, 2): 7.0}
    command(train, *SWEEP, r"+text='\${lr}',b", "hydra.sweeper.name=escaped")  # was no JSON once OmegaConf had unescaped it
    assert len(load_results(tmp_path / "outputs/escaped")) == 2


def test_each_job_has_its_own_override_dirname_and_environment(command: Command, tmp_path: Path) -> None:
    files = {f"conf/m/{name}.yaml": f"# @package _global_\nhydra: {{job: {{env_set: {{FOO: '{name}'}}}}}}\n" for name in "12"}
    body = "import os; print('DIR', cfg.dir); return float(os.environ['FOO']) + cfg.lr"
    config = "defaults: [{m: '1'}, _self_]\nseed: 0\nlr: 1\ndir: ${hydra:job.override_dirname}\n"
    train = write(tmp_path, program(body), files, config)
    answer = command(train, *SWEEP, "m='1','2'").stdout
    assert values(tmp_path / "outputs/m") == {("1", 0): 2.0, ("2", 0): 3.0}
    assert {line for line in answer.splitlines() if line.startswith("DIR")} == {
        "DIR m='1',seed=0",
        "DIR m='2',seed=0",
    }


def test_other_processes_run_the_same_function_with_the_same_arguments(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    before = (
        "import argparse, sys\nimport hydra\nfrom deco import percent\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--scale', type=float, default=1.0)\nknown, rest = parser.parse_known_args()\n"
        "sys.argv = [sys.argv[0], *rest]\n"
    )
    text = program("return known.scale * cfg.lr", before).replace("def train", "@percent\ndef train")
    deco = "import functools\n\ndef percent(f):\n    @functools.wraps(f)\n    def inner(cfg):\n        return 100 * f(cfg)\n    return inner\n"
    train = write(tmp_path, text, {"deco.py": deco})
    command(train, "--scale", "10", *SWEEP, "lr=1,2", "hydra.sweeper.n_jobs=2")
    assert values(tmp_path / "outputs/lr") == {(1, 0): 1000.0, (2, 0): 2000.0}


def test_what_is_no_function_is_refused_in_one_line(command: Command, tmp_path: Path) -> None:
    text = "import hydra\n\nclass Trainer:\n    __name__ = 'train'\n    def __call__(self, cfg):\n        return 1.0\n\n" \
        + "hydra.main(version_base='1.3', config_path='conf', config_name='config')(Trainer())()\n"  # fmt: skip
    said = command(write(tmp_path, text), *SWEEP, "lr=1,2", status=2).stderr
    assert said.startswith("ablate: ")
    assert "is not a function, so other processes cannot find it" in said


def test_two_programs_of_one_name_do_not_share_a_study(command: Command, tmp_path: Path) -> None:
    one, other = (write(tmp_path / name, program(f"return {factor} * cfg.lr")) for name, factor in (("a", 1.0), ("b", 100.0)))
    command(one, *SWEEP, "lr=1,2")
    said = command(other, *SWEEP, "lr=1,2", status=2).stderr
    assert "the study outputs/lr belongs to a/train.py, not to b/train.py: choose another hydra.sweeper.name." in said


def test_many_new_factors_and_a_changed_setting_are_compared_one_by_one(command: Command, tmp_path: Path) -> None:
    """2^20 combinations would take days to compose."""
    switches = [f"f{number}" for number in range(20)]
    config = CONFIG + "epochs: 10\n" + "".join(f"{name}: false\n" for name in switches)
    train = write(tmp_path, program("return 1.0 * cfg.lr"), config=config)
    command(train, *SWEEP, "lr=1,2", "hydra.sweeper.name=s")
    typed = (train, *SWEEP, *(f"{name}=true,false" for name in switches), "hydra.sweeper.design=one_at_a_time")
    said = command(*typed, "hydra.sweeper.name=s", "epochs=20", status=2).stderr
    assert "changes fixed settings of the study outputs/s: epochs was 10 and is now 20." in said
    assert "(No run of the study has finished" not in said
    (tmp_path / "conf/config.yaml").write_text(config + "clip: null\n")
    said = command(train, *SWEEP, "lr=1,2", "hydra.sweeper.name=s", status=2).stderr
    assert "If this value of the new key changes nothing, say so with hydra.sweeper.neutral='{clip:null}'." in " ".join(
        said.split()
    )
    kept = command(train, *SWEEP, "lr=1,2", "hydra.sweeper.name=s", "hydra.sweeper.neutral={clip:null}").stdout
    assert "2 kept" in kept
    (tmp_path / "conf/config.yaml").write_text(config)
    assert "21 runs in outputs/s" in command(*typed, "hydra.sweeper.name=s", "hydra.sweeper.dry_run=true").stdout


def test_a_new_key_as_a_factor_has_its_neutral_level_in_the_runs_of_before(command: Command, tmp_path: Path) -> None:
    train = write(tmp_path, program("return cfg.lr + cfg.get('ema', 0.5)"))
    command(train, *SWEEP, "lr=1,2", "hydra.sweeper.name=s")
    (tmp_path / "conf/config.yaml").write_text(CONFIG + "ema: 0.5\n")
    typed = ("lr=1,2", "ema=0.5,0.9", "hydra.sweeper.name=s", "hydra.sweeper.neutral={ema:0.5}")
    assert "2 finished, 2 kept" in command(train, *SWEEP, *typed).stdout
    study = load_results(tmp_path / "outputs" / "s")
    found = {(str(study.levels["lr"][row]), str(study.levels["ema"][row])): study.values["value"][row] for row in range(4)}
    assert found == {("1", "0.5"): 1.5, ("2", "0.5"): 2.5, ("1", "0.9"): 1.9, ("2", "0.9"): 2.9}


def test_a_program_without_logging_runs_in_a_terminal(tmp_path: Path) -> None:
    config = f"defaults: [_self_, {{override hydra/job_logging: none}}]\n{CONFIG}"
    train = write(tmp_path, program("return 1.0 * cfg.lr"), config=config)
    terminal, end = pty.openpty()
    child = subprocess.Popen([sys.executable, train, *SWEEP, "lr=1,2"], cwd=tmp_path, stdout=end, stderr=end)
    os.close(end)
    said = b""
    try:
        while part := os.read(terminal, 10_000):
            said += part
    except OSError:  # the other end is closed
        pass
    assert child.wait() == 0, said
    assert len(load_results(tmp_path / "outputs/lr")) == 2


def test_a_program_without_ablate_keeps_its_group_of_loggers(command: Command, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    config = f"defaults: [{{logger: wandb}}, _self_]\nlr: 1\nhydra: {{searchpath: ['file://{lib}']}}\n"
    train = write(tmp_path, program("print('LOGGER', cfg.logger)"), {"lib/logger/wandb.yaml": "project: mine\n"}, config)
    assert "LOGGER {'project': 'mine'}" in command(train).stdout
    sweep = command(train, *SWEEP, "lr=1,2", "+seed=0", "hydra.sweeper.returns=nothing", status=1).stdout
    assert "LOGGER {'project': 'mine'}" in sweep


def test_a_single_run_that_works_in_its_folder_is_found_again(command: Command, tmp_path: Path) -> None:
    config = "defaults: [ablate, _self_]\nlr: 1\nseed: 3\nhydra: {job: {chdir: true}, run: {dir: 'runs/${now:%H-%M-%S-%f}'}}\n"
    text = "import ablate\n\n@ablate.main('conf', 'config')\ndef train(cfg):\n    open('here', 'w').close()\n    return {'score': 1.0}\n" \
        + "\nif __name__ == '__main__':\n    train()\n"  # fmt: skip
    train = write(tmp_path, text, config=config)
    assert "finished: outputs/base/runs/base-" in command(train).stdout
    assert "already finished" in command(train).stdout
    (record,) = tmp_path.rglob("run.json")
    assert (record.parent / "here").exists()
    assert json.loads(record.read_text())["seed"] == 3


def test_what_refers_to_a_key_that_the_program_sets_follows_it(command: Command, tmp_path: Path) -> None:
    """Programs fill in what they learn from the data; under Hydra, the references see it."""
    config = "seed: 0\ndata: {classes: 2}\nlr: 1\nmodel: {classes: '${data.classes}', name: 'net_${lr}', whole: '${data}'}\n"
    body = "cfg.data.classes = 10; print(cfg.model.name, cfg.model.whole); return float(cfg.model.classes)"
    train = write(tmp_path, program(body), config=config)
    answer = command(train, *SWEEP, "lr=1,2").stdout
    assert values(tmp_path / "outputs/lr") == {(1, 0): 10.0, (2, 0): 10.0}
    assert "net_1 {'classes': 10}" in answer
    config = next((tmp_path / "outputs/lr").glob("runs/lr=2-*/*/config.yaml")).read_text()
    assert yaml.safe_load(config)["model"] == {"classes": 2, "name": "net_2", "whole": {"classes": 2}}


def test_variables_that_the_command_sets_for_all_jobs_are_no_part_of_the_experiment(command: Command, tmp_path: Path) -> None:
    """Their values, such as a key of a tracker, are not written into the study."""
    train = write(tmp_path, program("return 1.0 * cfg.lr"))
    typed = (train, *SWEEP, "lr=1,2")
    command(*typed)
    assert "2 kept" in command(*typed, "+hydra.job.env_set.TOKEN=secret").stdout
    study = tmp_path / "outputs/lr"
    assert not [path for path in study.glob("*.*") if "secret" in path.read_text()]


def test_added_factors_whose_levels_only_fit_together_are_found(command: Command, tmp_path: Path) -> None:
    config = CONFIG + "epochs: 10\nbatches: 10\nboth: ${product:${epochs},${batches}}\n"
    before = "import hydra\nfrom omegaconf import OmegaConf\nOmegaConf.register_new_resolver('product', lambda a, b: a * b)\n"
    train = write(tmp_path, program("return 1.0 * cfg.lr", before), config=config)
    command(train, *SWEEP, "lr=1,2", "hydra.sweeper.name=s")
    said = command(
        train, *SWEEP, "lr=1,2", "epochs=5,10", "batches=20,10", "hydra.sweeper.name=s", "hydra.sweeper.dry_run=true"
    )
    assert "8 runs in outputs/s: 2 done, 6 to do" in said.stdout


def test_a_program_may_register_its_resolvers_again_in_other_processes(command: Command, tmp_path: Path) -> None:
    """Hydra's launchers bring those of the command, and OmegaConf refuses a second resolver of one name."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    before = "import hydra\nfrom omegaconf import OmegaConf\nOmegaConf.register_new_resolver('twice', lambda a: 2 * a)\n"
    train = write(tmp_path, program("return 1.0 * cfg.both", before), config=CONFIG + "both: ${twice:${lr}}\n")
    command(train, *SWEEP, "lr=1,2", "hydra.sweeper.n_jobs=2")
    assert values(tmp_path / "outputs/lr") == {(1, 0): 2.0, (2, 0): 4.0}


def test_a_resolver_of_a_helper_module_is_there_while_the_program_is_imported(command: Command, tmp_path: Path) -> None:
    """Unpickling it has imported the module, which does not register it a second time."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    (tmp_path / "helper_with_resolver.py").write_text(
        "from omegaconf import OmegaConf\ndef twice(a):\n    return 2 * a\nOmegaConf.register_new_resolver('twice', twice)\n"
    )
    before = "import hydra\nimport helper_with_resolver\nfrom omegaconf import OmegaConf\n"
    before += "FOUR = OmegaConf.create({'a': '${twice:2}'}).a\n"
    train = write(tmp_path, program("return 1.0 * cfg.both * FOUR", before), config=CONFIG + "both: ${twice:${lr}}\n")
    command(train, *SWEEP, "lr=1,2", "hydra.sweeper.n_jobs=2")
    assert values(tmp_path / "outputs/lr") == {(1, 0): 8.0, (2, 0): 16.0}


def test_a_program_may_set_what_a_reference_needs_and_leave_others_unread(command: Command, tmp_path: Path) -> None:
    config = CONFIG + "classes: ???\nout: ${classes}\nunused: ${no.where}\n"
    train = write(tmp_path, program("cfg.classes = 10; return 1.0 * cfg.lr * cfg.out"), config=config)
    said = command(train, *SWEEP, "lr=1,2").stdout
    assert "unused: Interpolation key 'no.where' not found, so that a program that reads it fails." in said
    assert values(tmp_path / "outputs/lr") == {(1, 0): 10.0, (2, 0): 20.0}


def test_a_decorator_below_a_call_of_hydra_main_is_heeded_in_other_processes(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    text = (
        "import functools\nimport hydra\n\ndef percent(f):\n    @functools.wraps(f)\n    def inner(*args, **kwargs):\n"
        "        return 100 * f(*args, **kwargs)\n    return inner\n\n@percent\ndef train(cfg):\n    return 1.0 * cfg.lr\n\n"
        "if __name__ == '__main__':\n    hydra.main(version_base='1.3', config_path='conf', config_name='config')(train)()\n"
    )
    command(write(tmp_path, text), *SWEEP, "lr=1,2", "hydra.sweeper.n_jobs=2")
    assert values(tmp_path / "outputs/lr") == {(1, 0): 100.0, (2, 0): 200.0}


def test_a_dangling_link_beside_the_configuration_does_not_matter(command: Command, tmp_path: Path) -> None:
    train = write(tmp_path, program("print('LR', cfg.lr)").replace('"conf"', '"."'), {"config.yaml": CONFIG})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.yaml").symlink_to(tmp_path / "nowhere.yaml")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "nowhere.yaml")
    assert "LR 1" in command(train).stdout


SERVICE = """
import hydra
@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg):
    assert cfg.other == cfg.wandb.api_key in ("SECRET1", "SECRET2")
    return {"accuracy": 0.5 + (cfg.opt == "a") / 10}
main()
"""


def test_secrets_from_the_environment_are_in_no_file_and_may_change(command: Command, tmp_path: Path) -> None:
    """Plain Hydra writes the interpolation into its files; so does a study, and the page tells none that was typed either."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text(
        "wandb: {api_key: '${oc.env:SERVICE_API_KEY}', project: p}\nother: ${wandb.api_key}\nlogin: {password: none}\nopt: a\nseed: 0\n"
    )
    (tmp_path / "t.py").write_text(SERVICE)
    typed = ("t.py", "-m", "hydra/sweeper=ablate", "opt=a,b", "login.password=TYPED", "hydra.sweeper.name=s")
    command(*typed, "hydra.sweeper.seeds=1", SERVICE_API_KEY="SECRET1")
    answer = command(*typed, "hydra.sweeper.seeds=2", SERVICE_API_KEY="SECRET2")
    assert "2 kept" in answer.stdout
    files = [path for path in (tmp_path / "outputs" / "s").rglob("*") if path.is_file()]
    assert [path for path in files if b"SECRET" in path.read_bytes()] == []
    of_study = [path for path in files if "runs" not in path.relative_to(tmp_path / "outputs" / "s").parts]
    assert [path for path in of_study if b"TYPED" in path.read_bytes()] == []
