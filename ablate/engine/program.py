"""The program that Hydra calls: a training function, its experiment, and a reference by which other processes load it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.basecontainer import BaseContainer

from ablate.core.errors import AblateError, UsageError
from ablate.engine import gpus, provenance
from ablate.engine.added_keys import STUDY, sweeper_options
from ablate.engine.execution import Outcome, execute
from ablate.engine.experiment import Experiment
from ablate.engine.jobs import RunContext
from ablate.engine.messages import CONFIG_ERRORS
from ablate.engine.objectives import Objectives, objectives
from ablate.engine.options import StudyOptions
from ablate.engine.orphans import end_with_parent
from ablate.engine.run import Run
from ablate.storage.code_files import project_root

Function = Callable[..., Any]  # of (cfg) or (cfg, run): returns metrics by name, a number, several numbers, or None


@dataclass(frozen=True)
class ProgramReference:
    """Where a program is defined. Launchers pickle this reference, because the function's module may not be picklable.

    Attributes:
        module: the import name of the module; empty for a script, which is loaded from its file.
        file: the source file.
        qualname: the qualified name of the function.
        unchanged: whether the function is not decorated with `ablate.main`.
        method: whether it is a method of an object, which other processes do not have.
    """

    module: str
    file: str
    qualname: str
    unchanged: bool = False
    method: bool = False

    @property
    def is_command(self) -> bool:
        """Whether it is the function that executes the command of `ablate sweep`."""
        return self.module == "ablate.engine.external"

    @classmethod
    def of(cls, function: Callable[..., Any], unchanged: bool = False) -> ProgramReference:
        """Make the reference of a training function, which may be decorated by functions of other files.

        Raises:
            UsageError: if it is no function, such as an object that can be called.
        """
        innermost = inspect.unwrap(function)
        innermost = getattr(innermost, "__func__", innermost)  # of a method
        if not inspect.isfunction(innermost):
            raise UsageError(f"{function!r} is not a function, so other processes cannot find it: define one that calls it.")
        names = innermost.__globals__  # those of its module, also if a profiler executes it
        module = function.__module__
        if module == "__main__":
            spec = names.get("__spec__")  # set by `python -m`; None for a script
            module = spec.name if spec is not None and spec.name != "__main__" else ""
        file = names.get("__file__") or inspect.getfile(innermost)
        return cls(module, str(Path(file).resolve()), function.__qualname__, unchanged, inspect.ismethod(function))

    def load(self) -> Program:
        """Return the program, importing its module if necessary.

        Raises:
            AblateError: if the module does not define it.
        """
        if self not in _PROGRAMS and (self.method or "<locals>" in self.qualname):
            where = "a method of an object" if self.method else "defined inside a function"
            raise AblateError(
                f"{self.qualname} in {self.file} is {where}, so other processes cannot import it: "
                "define it at module level, or use hydra/launcher=basic."
            )
        if self not in _PROGRAMS:
            command: Any = self._import()
            for name in self.qualname.split("."):
                command = getattr(command, name, None)
            program = getattr(command, "program", None)
            if program is None and self.unchanged and callable(command):
                program = Program(_below_hydra(command), unchanged=True)
            if not isinstance(program, Program):
                decorated = "" if self.unchanged else " decorated with @ablate.main"
                raise AblateError(
                    f"{self.file} has no function {self.qualname}{decorated}. Was the file changed since the sweep began?"
                )
            _PROGRAMS[self] = program
        return _PROGRAMS[self]

    def _import(self) -> Any:
        try:
            with _own_resolvers():
                return importlib.import_module(self.module) if self.module else _run_script(Path(self.file))
        except AblateError:
            raise
        except Exception as error:  # whatever the module does when it is imported
            frames = traceback.extract_tb(error.__traceback__)
            if any(frame.filename == hydra.main.__code__.co_filename for frame in frames):
                line = next((f" (line {frame.lineno})" for frame in frames if frame.filename == self.file), "")
                raise AblateError(
                    f"{self.file} starts its main function whenever it is imported{line}, also in the process of a run: put "
                    "the call under `if __name__ == '__main__':`."
                ) from error
            where = frames[-1]
            raise AblateError(
                f"{self.file} cannot be imported in the process of a run: {type(error).__name__}: {error} "
                f"({where.filename}, line {where.lineno})"
            ) from error


class Program:
    """A training function of (cfg) or (cfg, run) with its experiment.

    Attributes:
        script: the script that the function executes, for `ablate sweep`; None for the file of the function.
        command_line: the command as typed, if it is not that of Python.
        unchanged: whether the function is decorated with `hydra.main` and not with `ablate.main`.
        outcome: the outcome of a single run, set when Hydra calls the program.
        refusal: the error that prevented a single run. It is stored rather than raised, because Hydra would wrap it.
    """

    def __init__(self, function: Function, experiment: Experiment | None = None, unchanged: bool = False) -> None:
        self.function = function
        self.experiment = experiment if experiment is not None else Experiment()
        self.unchanged = unchanged
        self.reference = ProgramReference.of(function, unchanged)
        self.script: Path | None = None
        self._takes_run = not unchanged and _positional(function) > 1
        self.outcome: Outcome | None = None
        self.refusal: Exception | None = None
        self.command_line: str | None = None
        self.__wrapped__ = function  # from whose file Hydra derives the name of the job and the place of the configuration
        _PROGRAMS[self.reference] = self

    def __call__(self, cfg: DictConfig) -> Outcome | Objectives | None:
        """Run one configuration. Hydra calls this without -m; with -m, the sweeper launches `PlannedTask` instead.

        Other sweepers, such as Optuna's, call it for each of their jobs, and get the values of the main metrics.
        """
        from ablate.engine.single_run import run_once

        if HydraConfig.get().mode is RunMode.MULTIRUN:
            main = OmegaConf.select(cfg, "study.metric")
            return objectives(run_once(self, cfg), main)
        try:
            self.outcome = run_once(self, cfg)
        except CONFIG_ERRORS as error:
            self.refusal = error
        return self.outcome

    def train(self, cfg: DictConfig, run: Run) -> Any:
        """Call the training function, in a run that is in progress."""
        return self.function(cfg, run) if self._takes_run else self.function(cfg)

    @property
    def file(self) -> Path:
        """The file whose code the runs execute."""
        return self.script or Path(self.reference.file)

    @property
    def names(self) -> tuple[str, str | None]:
        """What identifies the program in a study: its file, and its function; None for a script.

        The file is relative to the root of its project, or if it is there itself, to the working folder.
        """
        file = self.file.resolve()
        name = file.relative_to(project_root(file)).as_posix()
        if "/" not in name and file.is_relative_to(Path.cwd()):
            name = file.relative_to(Path.cwd()).as_posix()
        return name, None if self.script else self.reference.qualname

    @property
    def root(self) -> Path | None:
        """The folder whose imported modules belong to the code of a run; None if the experiment names its code itself."""
        return None if self.experiment.code else project_root(self.file)

    def provenance(self) -> dict[str, Any]:
        """The program's facts for the record of a run. Of a command without a known file there is no commit."""
        facts = provenance.of(self.file, self.experiment.code, self.experiment.packages)
        return facts | {"commit": None} if self.reference.is_command and self.script is None else facts


@dataclass(frozen=True)
class PlannedTask:
    """The task function of a sweep: launchers call it for each job, possibly in another process.

    Attributes:
        program: the program that the jobs load.
        script: the script whose code the runs execute, for `ablate sweep`; None for that of the program.
        arguments: `sys.argv` of the command, which a program may parse itself when it is imported.
    """

    program: ProgramReference
    script: Path | None = None
    arguments: tuple[str, ...] = field(default_factory=lambda: typed_arguments())

    def __call__(self, cfg: DictConfig) -> Outcome:
        """Execute the run in the last override of the job. Errors of the run are part of the outcome, not raised."""
        context = RunContext.from_overrides(list(HydraConfig.get().overrides.hydra))
        working_folder = Path.cwd()
        end_with_parent()
        gpus.take_one(Path(context.directory).parents[2], HydraConfig.get().job.env_set)
        try:
            program = self._load()
            program.script = self.script or program.script
            options = StudyOptions.read(cfg) if STUDY in cfg else StudyOptions.of(sweeper_options(HydraConfig.get().sweeper))
            return execute(program.train, cfg, context, options, program.provenance(), program.root)
        except AblateError as error:
            return Outcome(context.short_name, context.seed, "failed", str(error), Path(context.directory))
        finally:
            os.chdir(working_folder)  # the function may have changed it, and the next run may be in the same process

    def _load(self) -> Program:
        own, sys.argv = sys.argv, list(self.arguments)
        try:
            return self.program.load()
        finally:
            sys.argv = own


def typed_arguments() -> tuple[str, ...]:
    """`sys.argv` as it was when the command began."""
    typed, script = sys.orig_argv, next(iter(sys.argv), "")
    if script in ("", "-c"):
        return tuple(sys.argv)
    if script in typed[1:]:
        return tuple(typed[typed.index(script, 1) :])
    return (script, *typed[3:]) if typed[1:2] == ["-m"] else tuple(sys.argv)


def _below_hydra(command: Callable[..., Any]) -> Callable[..., Any]:
    """The function that was passed to `hydra.main`, with the decorators below it."""
    chain: list[Any] = [command]
    while hasattr(chain[-1], "__wrapped__"):
        chain.append(chain[-1].__wrapped__)
    for function, inner in itertools.pairwise(chain):
        if getattr(getattr(function, "__code__", None), "co_filename", None) == hydra.main.__code__.co_filename:
            return inner  # type: ignore[no-any-return]
    # passed to hydra.main elsewhere: with the decorators that take a configuration
    return next((function for function in chain if _takes_config(function)), chain[-1])  # type: ignore[no-any-return]


def _takes_config(function: Callable[..., Any]) -> bool:
    """Whether a function has to be called with an argument, or may be called with any."""
    parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    variable = inspect.Parameter.VAR_POSITIONAL
    return any(
        each.kind is variable or (each.default is each.empty and each.kind is not each.VAR_KEYWORD) for each in parameters
    )


def _positional(function: Callable[..., Any]) -> int:
    """The number of positional parameters of a function."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in kinds for parameter in inspect.signature(function).parameters.values())


_PROGRAMS: dict[ProgramReference, Program] = {}  # the programs defined or imported in this process


@contextmanager
def _own_resolvers() -> Iterator[None]:
    """While a program is imported, it may register resolvers that launchers have brought from the process of the command.

    Programs register theirs when they are imported, which OmegaConf refuses the second time.
    """
    register, brought = OmegaConf.register_new_resolver, set(BaseContainer._resolvers)

    def replacing(name: str, resolver: Any, *, replace: bool = False, use_cache: bool = False) -> None:
        register(name, resolver, replace=replace or name in brought, use_cache=use_cache)
        brought.discard(name)

    OmegaConf.register_new_resolver = staticmethod(replacing)  # type: ignore[method-assign]
    try:
        yield
    finally:
        OmegaConf.register_new_resolver = staticmethod(register)  # type: ignore[method-assign]


def _run_script(file: Path) -> Any:
    """Execute a script as a module under its own name instead of as __main__."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UsageError(f"{file}, which defines the program of this sweep, no longer exists.")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)  # where dataclasses look for the module of a class
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))  # as Python does for a script, whose other modules may lie there
    spec.loader.exec_module(module)
    return module
