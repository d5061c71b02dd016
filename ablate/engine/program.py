"""The program that Hydra calls: a function of (cfg, run), its experiment, and how another process finds it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from ablate.core.errors import AblateError, UsageError
from ablate.engine import provenance
from ablate.engine.execution import Outcome, execute
from ablate.engine.experiment import Experiment
from ablate.engine.jobs import RunContext
from ablate.engine.messages import CONFIG_ERRORS
from ablate.engine.options import StudyOptions
from ablate.engine.run import Run

Function = Callable[[DictConfig, Run], Mapping[str, float | None]]


@dataclass(frozen=True)
class ProgramReference:
    """Where a program is defined: what launchers pickle in its place, since what is around a function cannot always be pickled.

    Attributes:
        module: its import name; empty for a script, which is loaded from its file.
        file: the source.
        qualname: of the function in it.
    """

    module: str
    file: str
    qualname: str

    @classmethod
    def of(cls, function: Callable[..., Any]) -> ProgramReference:
        """The reference of a function in the module that is running it."""
        module = function.__module__
        if module == "__main__":
            spec = getattr(sys.modules["__main__"], "__spec__", None)  # of `python -m`; a script has none
            module = spec.name if spec is not None else ""
        return cls(module, str(Path(inspect.getfile(function)).resolve()), function.__qualname__)

    def load(self) -> Program:
        """The program: the one that this process has defined, else after importing its module.

        Raises:
            AblateError: if it is not there.
        """
        if self not in _PROGRAMS and "<locals>" in self.qualname:
            raise AblateError(
                f"{self.qualname} in {self.file} is defined inside a function, where another process cannot find it: "
                "define it at the top of its module, or use hydra/launcher=basic."
            )
        if self not in _PROGRAMS:
            command: Any = self._import()
            for name in self.qualname.split("."):
                command = getattr(command, name, None)
            program = getattr(command, "program", None)
            if not isinstance(program, Program):
                raise AblateError(
                    f"{self.file} has no function {self.qualname} decorated with @ablate.main. "
                    "Was the file changed since the sweep began?"
                )
            _PROGRAMS[self] = program
        return _PROGRAMS[self]

    def _import(self) -> Any:
        try:
            return importlib.import_module(self.module) if self.module else _run_script(Path(self.file))
        except AblateError:
            raise
        except Exception as error:  # whatever the module does when it is imported
            where = traceback.extract_tb(error.__traceback__)[-1]
            raise AblateError(
                f"{self.file} cannot be imported in the process of a run: {type(error).__name__}: {error} "
                f"({where.filename}, line {where.lineno})"
            ) from error


class Program:
    """A function of (cfg, run), and what it tells the engine about itself.

    Attributes:
        outcome: of a single run, once Hydra has called the program.
        refusal: the error because of which a single run did not begin. Raised within a job, Hydra would wrap it in lines of
            its own.
    """

    def __init__(self, function: Function, experiment: Experiment | None = None) -> None:
        self.function = function
        self.experiment = experiment if experiment is not None else Experiment()
        self.reference = ProgramReference.of(function)
        self.file = Path(self.reference.file)
        self.outcome: Outcome | None = None
        self.refusal: Exception | None = None
        # Hydra names the job after the module of what it calls
        self.__module__ = self.file.stem if function.__module__ == "__main__" else function.__module__
        _PROGRAMS[self.reference] = self

    def __call__(self, cfg: DictConfig) -> Outcome | None:
        """Run one configuration. Hydra calls this without -m; with -m, the sweeper launches `PlannedTask` instead."""
        from ablate.engine.single_run import run_once

        try:
            self.outcome = run_once(self, cfg)
        except CONFIG_ERRORS as error:
            self.refusal = error
        return self.outcome

    def provenance(self) -> dict[str, Any]:
        """The facts about this program that a run records."""
        return provenance.of(self.file, self.experiment.code, self.experiment.packages)


@dataclass(frozen=True)
class PlannedTask:
    """What launchers call for each job of a sweep, in whatever process: the run that its last override describes."""

    program: ProgramReference

    def __call__(self, cfg: DictConfig) -> Outcome:
        """Run it. What becomes of the run is returned, not raised."""
        context = RunContext.from_overrides(list(HydraConfig.get().overrides.task))
        try:
            program = self.program.load()
            return execute(program.function, cfg, context, StudyOptions.read(cfg), program.provenance())
        except AblateError as error:
            return Outcome(context.label, context.seed, "failed", str(error), Path(context.directory))


_PROGRAMS: dict[ProgramReference, Program] = {}  # those that this process has defined or imported


def _run_script(file: Path) -> Any:
    """The module of a script, which is executed under its own name rather than as __main__."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UsageError(f"{file} is not there any more: the program of this sweep was defined in it.")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)  # where dataclasses look for the module of a class
    spec.loader.exec_module(module)
    return module
