"""Registers ablate with Hydra. Every Hydra program in the environment imports this file, so it must import quickly."""

import importlib.util
import itertools
import re
import sys
from pathlib import Path
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.plugins.sweeper import Sweeper

ENGINE = Path(__file__).resolve().parent.parent / "ablate" / "engine"
CONF = ENGINE / "conf"
GROUP = ENGINE / "conf_logger"  # the group `logger`
HELP = ENGINE / "conf_help"  # the text of `hydra/sweeper=ablate --help`, instead of Hydra's
DEFAULT = ENGINE / "conf_default"  # hydra/sweeper=ablate with `logger: null` in its defaults list
KEY = re.compile(r"^logger\s*:", re.M)
NAMED = re.compile(r"sweeper\W+ablate\b|[-\[,'\"]\s*/?ablate\b")  # in a defaults list
FOLDER = re.compile(r"(?:file|pkg)://[^\s\"',\]]+")
IN_DEFAULTS = re.compile(r"(^\s*-\s*|[{,]\s*)(override\s+)?/?logger(@[\w.]+)?\s*:", re.M)


def logger_folders(search_path: ConfigSearchPath) -> list[Path]:
    """The folders by which `logger=wandb` selects a logger, as far as the program does not use the name itself.

    A program with a group or a key `logger` keeps it for itself, also in a folder of `hydra.searchpath` or `--config-dir`. One
    that has the group in its defaults list without having its levels gets the levels, and any other one also the default. A
    program that does not use ablate gets nothing.
    """
    stored = ConfigStore.instance().repo
    if "logger" in stored or any(_has_logger(node) for node in stored.values()):
        return []
    main = next((_folder(entry.path) for entry in search_path.get_path() if entry.provider == "main"), None)
    texts = [] if main is None else [_text(path) for path in main.glob("*.yaml")]
    if not _uses_ablate(main, texts):
        return []
    others = [_folder(found) for text in (*texts, *sys.argv) for found in FOLDER.findall(text)]
    others += [Path(after) for option, after in itertools.pairwise(sys.argv) if option in ("--config-dir", "-cd")]
    others += [Path(argument.partition("=")[2]) for argument in sys.argv if argument.startswith("--config-dir=")]
    if any(folder is not None and (folder / "logger").is_dir() for folder in (main, *others)):
        return []
    if main is None:
        return [DEFAULT, GROUP]
    if any(map(KEY.search, texts)):
        return []
    return [GROUP] if any(map(IN_DEFAULTS.search, texts)) else [DEFAULT, GROUP]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # such as a link to a file that is elsewhere
        return ""


def _uses_ablate(main: Path | None, texts: list[str]) -> bool:
    """Whether a program may use ablate: it has imported it, or names it in the command or in its configuration."""
    if "ablate" in sys.modules or any("ablate" in argument for argument in sys.argv[1:]):
        return True
    stored = (str(getattr(node, "node", "")) for node in ConfigStore.instance().repo.values())
    groups = (_text(path) for path in main.glob("[!.]*/*.yaml")) if main is not None else ()
    return any(NAMED.search(text) for text in itertools.chain(texts, stored, groups))


def _has_logger(node: Any) -> bool:
    """Whether a stored configuration has a key of this name; groups are mappings of names to nodes."""
    content = getattr(node, "node", None)
    try:
        return content is not None and "logger" in content
    except TypeError:
        return False


def _folder(path: str) -> Path | None:
    if path.startswith("pkg://"):
        try:
            spec = importlib.util.find_spec(path.removeprefix("pkg://").replace("/", "."))
        except (ImportError, ValueError):
            return None
        return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None
    return Path(path.removeprefix("file://"))


class AblateSearchPath(SearchPathPlugin):
    """Makes `hydra/sweeper=ablate` and `defaults: [ablate, _self_]` available to every program, and the group `logger` to many.

    Its files are also found by `hydra.compose`.
    """

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in (*logger_folders(search_path), CONF):  # the first one that has a file counts
            search_path.append(provider="ablate", path=str(folder))
        if "hydra/sweeper=ablate" in sys.argv and {"--help", "-h"} & set(sys.argv):
            search_path.prepend(provider="ablate", path=str(HELP))


class AblateSweeper(Sweeper):
    """Delegates to ablate.engine.sweeper, imported when a sweep begins."""

    def __init__(self, params: Any = None, **options: Any) -> None:
        self.params = params  # overrides by key, for a sweep defined in a file
        self.options = options  # see ablate/engine/options.py

    def setup(self, **context: Any) -> None:
        try:
            from ablate.engine.sweeper import StudySweeper
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("ablate."):
                raise
            raise ImportError(
                "hydra/sweeper=ablate is that of hydra-ablate, and the package `ablate` that Python imports is another one: "
                "run `pip uninstall ablate`, then `pip install --force-reinstall hydra-ablate`."
            ) from None
        self._sweeper = StudySweeper(self.params, self.options)
        self._sweeper.setup(**context)

    def sweep(self, arguments: list[str]) -> Any:
        return self._sweeper.sweep(arguments)
