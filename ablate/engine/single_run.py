"""A single run (without -m): plan it, record it in study.yaml, and execute it in this process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from ablate.core import designs
from ablate.core.cells import BASE, Cell
from ablate.core.errors import UsageError
from ablate.engine.added_keys import AddedKeys, sweeper_options
from ablate.engine.cells import CellReader, PlannedCell
from ablate.engine.config_values import naming_values, typed_values
from ablate.engine.decisions import announcements
from ablate.engine.execution import Outcome, execute
from ablate.engine.experiment import complete, describe_all
from ablate.engine.fixed_settings import refuse_other_inputs
from ablate.engine.jobs import RunContext
from ablate.engine.loggers import logger_of
from ablate.engine.messages import relative
from ablate.engine.options import StudyOptions, read_for_one_run
from ablate.engine.output_folder import folder_of_command, output_folder, unused_folders
from ablate.engine.study_update import program_of, settled_description
from ablate.storage.files import unwritable
from ablate.storage.layout import cell_folder, known_cells, run_directory, short_experiment, study_directory
from ablate.storage.manifest import IDENTITY, StudyManifest, manifest_lock

if TYPE_CHECKING:
    from ablate.engine.program import Program


def run_once(program: Program, cfg: DictConfig) -> Outcome | None:
    """Execute the composed configuration, unless the run is done. None if the program requests no run.

    Raises:
        UsageError: for invalid input.
    """
    with folder_of_command() as chdir:
        return _run(program, cfg, chdir)


def _run(program: Program, cfg: DictConfig, chdir: bool) -> Outcome | None:
    hydra = HydraConfig.get()
    added = AddedKeys.to(cfg, sweeper_options(hydra.sweeper), hydra.overrides.task)
    typed = typed_values(list(hydra.overrides.task))
    if cfg.seed is None:
        cfg.seed = program.experiment.first_seed
    options = read_for_one_run(cfg, typed)
    logger_of(options.logger)  # fails now if the logger is not available
    named = naming_values(cfg, typed, options.ignore)
    by_sweeper = hydra.mode is RunMode.MULTIRUN  # all its jobs belong to one study
    cfg.study.name = options.name or (designs.study_name(list(named), {}) if by_sweeper else designs.study_name([], named))
    study = study_directory(cfg.study.root, cfg.study.name)
    before = StudyManifest.read(study)
    unused = [] if by_sweeper else unused_folders(list(hydra.overrides.hydra), study)
    for line in [*unused, *announcements(before.decisions, cfg)]:
        print(relative(line))
    reader = CellReader(program.experiment, dict(before.decisions), before, before.zipped)
    cell = reader.read(cfg, dict(hydra.runtime.choices), list(hydra.overrides.task), Cell({}), cfg.study.name)
    if cell is None:
        return None
    folder = cell_folder(known_cells(study), cell.short, BASE)
    try:
        with manifest_lock(study):
            now = StudyManifest.read(study)
            refuse_other_inputs(study, now, cell)
            _updated(study, now, program, options, cell, reader).write(study)
    except OSError as error:
        raise UsageError(f"{unwritable(study, error)} Choose another study.root.") from None
    seed = cfg.seed
    added.hide(cfg)
    directory = run_directory(study, folder, seed)
    context = RunContext.of(
        cell,
        seed,
        directory,
        deadline=None if options.max_hours is None else time.time() + 3600 * options.max_hours,
    )
    with output_folder(directory, chdir):
        return execute(program.train, cfg, context, options, program.provenance(), program.root)


def _updated(
    study: Path, before: StudyManifest, program: Program, options: StudyOptions, cell: PlannedCell, reader: CellReader
) -> StudyManifest:
    """Add the configuration of this run to the manifest, without fixing anything for later commands.

    Raises:
        UsageError: if the study belongs to another program, or to a sweep that does not have this cell.
    """
    digest = cell.short
    if before.launched and digest not in {*known_cells(study), *before.experiments}:
        raise UsageError(
            f"the study {study} belongs to a sweep, and this configuration is not one of its cells: add its levels to the "
            "sweep (-m …), or choose another study.name."
        )
    settings = options.metric_settings()
    description = complete(describe_all(program.experiment, [cell.settings]), settings)
    return before.model_copy(
        update={
            **program_of(study, before, *program.names),
            "identity": IDENTITY if before.is_new else before.identity,
            "decisions": {**before.decisions, **reader.decisions},
            "experiments": {**before.experiments, digest: short_experiment(cell.builds)},
            # a sweep has described all cells already
            "description": before.description
            if before.launched
            else settled_description(study, before, description, settings).to_mapping(),
        }
    )
