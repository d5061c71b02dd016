"""No override ends in a traceback: it works, or is refused in one line with status 2."""

import sys

import pytest
from hydra.core.global_hydra import GlobalHydra

from tests.apps import parts, trivial

DRY = "study.dry_run=true"
REFUSED = """
net=null
-m net=null
-m net=1,2
-m net=true,false
-m net={a:1},small
-m net=small,nosuch
-m net=glob(zzz*)
-m net=../small,large
-m net=/etc/passwd,small
-m net=1
-m net=
-m net='',small
-m nosuch@y=small,large
-m +nosuch@y=small,large
-m +net@third=small,1
-m net@third=small,large
-m net=small net=large
-m attention=range(0,1,0)
-m attention=range(0,1,0.0)
-m attention=range(0,1,-1)
-m attention=range(1,0)
-m attention=range(0,1000000000)
-m attention=range(0,1e9)
-m attention=shuffle(range(0,1e12))
-m attention=range(0,inf)
-m attention=range()
-m attention=range(a,b)
-m attention=choice()
-m attention=glob(zzz*)
-m attention=interval(1,2)
-m attention=foo(1,2)
-m attention=int(a,b)
-m attention=float(1,z)
-m attention=tag(t,1,2)
-m attention=1,nan
-m attention=0,'0'
-m attention=true,'true'
-m attention=1,
-m attention=,
-m attention=1,,2
-m attention=a=b,c
-m attention=[1
-m attention={a
-m attention="a
-m attention='a
-m attention=1,2 attention=3
-m attention=${nosuch},1
-m attention=${attention},1
-m attention=${y:1},1
-m attention=???,1
-m attention=${oc.env:NOSUCHVAR},1
-m attention=${oc.decode:'['},1
-m attention.x=1,2
-m attention..x=1,2
-m .attention=1,2
-m =1
-m =1,2
-m +attention=1,2
-m nosuch=1,2
-m ~nosuch
-m ~nosuch.key
-m ~net=large
-m callbacks.early={patience:5},{stop:7}
-m callbacks.early.patience.x=1,2
-m callbacks.nosuch=1,2
-m foo
-m +attention
-m attention:1
-m hydra=1
-m hydra.launcher=1,2
-m hydra.sweep.dir=a,b
-m hydra/launcher=nosuch
-m hydra/launcher=basic,joblib
-m hydra/sweeper=nosuch
-m seed=a
-m seed=-1
-m seed=1.5
-m seed=1,a
-m seed=null
-m study=1
-m study=null
-m study=a,b
-m +study.nosuch=1
-m study.nosuch=1
-m study.seeds=0
-m study.seeds=-1
-m study.seeds=a
-m study.seeds=[1,a]
-m study.seeds=1,2
-m study.exclude=1 attention=1,2
-m study.exclude=[{attention:[1,2]}] attention=1,2
-m study.exclude=[{nosuch:1}] attention=1,2
-m study.baseline={attention:7} attention=1,2
-m study.design=path attention=1,2,3
-m study.design=nosuch attention=1,2
-m study.leave_out=nosuch.yaml attention=1,2
-m study.claims=1 attention=1,2
-m study.claims=[{}] attention=1,2
-m study.logger=1 attention=1,2
-m study.chance={a:b} attention=1,2
-m study.ignore=attention attention=1,2
-m study.neutral=1 attention=1,2
-m study.blocks=y attention=1,2
-m study.until=decided attention=1,2
-m +logger=nosuch attention=1,2
-m study.detach=true attention=1,2
-m study.seed_key=attention net=small,large
-m /net=small,large
-m net={small,large}
-m net=(small,large)
-m attention=range(1,3
-m attention=choice(1,2),3
-m attention=shuffle()
-m attention=json_str(1)
-m attention=\udcff,1
-m attention={a:1,b}
-m a b=1
-m ++
-m ~
-m study.seeds=1e9
-m study.seeds=true
-m study.max_hours=nan
-m study.max_cells=1 net=small,large
-m study.checkpoint.minutes.x=1
-m study.controls={net:{small:nosuch}} net=small,large
-m callbacks.ema.decay=0.9,x
""".strip().splitlines()
ACCEPTED = """
-m net=small,null
-m net=small,small
-m net@encoder=small,large net@decoder=large,small
-m +net@third=small,null
-m ~net attention=1,2
-m ~attention
-m attention=true,null
-m attention=shuffle(range(1,4))
-m attention=a:b,c
-m attention=a/b,c
-m attention=1,inf
-m attention='',x
-m attention={a:1},{b:2}
-m attention=[1,2],[]
-m callbacks.ema={decay:0.99},null
-m callbacks.early={patience:5},null
-m +b={x:1},{y:2}
-m seed=range(0,3)
attention=1,2 -m seed=3
attention=1,2 --multirun seed=3
""".strip().splitlines()


def run(command: object, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    """Run a command in this process. Returns its exit status; any other exception is an error of the test."""
    GlobalHydra.instance().clear()
    monkeypatch.setattr(sys, "argv", ["program.py", *arguments])
    command.program.outcome = command.program.refusal = None
    try:
        command()
    except SystemExit as ended:
        return ended.code
    return 0


@pytest.mark.parametrize("typed", REFUSED)
def test_a_bad_override_is_refused_in_one_line(typed, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    dry = [DRY] if "-m" in typed and "study=" not in typed else []
    assert run(parts.train, [*typed.split(" "), *dry], monkeypatch) == 2
    said = capsys.readouterr().err
    assert said.startswith("ablate: ")
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("typed", ACCEPTED)
def test_an_unusual_override_works(typed, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(parts.train, [*typed.split(" "), DRY], monkeypatch) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("-m net=null", "(see net=null) (to leave out the group net: ~net)"),
        (
            "-m net=1",
            "Hydra cannot compose the configuration: Config group override must be a string or a list. Got int (see net=1)",
        ),
        ("-m net=small,large,", "net=small,large, cannot be parsed: mismatched input '<EOF>'"),
        (
            "-m net=small;large",
            "net=small;large cannot be parsed: unexpected ';'; a text with it needs quotes, such as \"KEY='TEXT'\" in a shell. See https://hydra.cc",
        ),
        ("-m attention=[1", "attention=[1 cannot be parsed: no viable alternative at input '[1'. See https://hydra.cc"),
        (
            "-m attention=choice(1,2),3",
            "attention=choice(1,2),3: a sweep cannot be one of several levels; list all levels.",
        ),
        ("-m study.max_hours=nan", "study.max_hours=nan: expected a number > 0, or null."),
        ("-m study.exclude={net:small}", "study.exclude={net:small}: "),
        ("-m attention=range(0,1,0)", "attention=range(0,1,0): the step must not be 0."),
        ("-m attention=range(0,inf)", "attention=range(0,inf) has more than 10,000 levels."),
        ("-m net=glob(zzz*)", "net=glob(zzz*) matches no level; available: large, small."),
        ("-m net=true,false", "net has no level True; available: large, small."),
        ("-m attention=range(1,0)", "attention=range(1,0) matches no level."),
    ],
)
def test_the_message_names_the_key_and_what_is_allowed(typed, message, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(parts.train, typed.split(" "), monkeypatch) == 2
    assert message in capsys.readouterr().err


def test_a_program_that_fails_to_check_a_value_names_the_configuration_and_the_line(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(trivial.train, ["-m", "x={a:1},2", DRY], monkeypatch) == 2
    said = capsys.readouterr().err
    assert "the program fails to check the configuration x={a: 1}: TypeError: '>' not supported" in said
    assert "trivial.py, line 12)" in said
