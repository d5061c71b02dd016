"""Registers ablate with Hydra. Every Hydra program in the environment imports this file, so it must import quickly."""

from pathlib import Path
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.plugins.sweeper import Sweeper

CONF = Path(__file__).resolve().parent.parent / "ablate" / "engine" / "conf"


class AblateSearchPath(SearchPathPlugin):
    """Makes `hydra/sweeper=ablate`, `defaults: [ablate, _self_]` and the group `logger` available to every program.

    Its files are also found by `hydra.compose`.
    """

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        search_path.append(provider="ablate", path=str(CONF))


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
