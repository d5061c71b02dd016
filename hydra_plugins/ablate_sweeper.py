"""Registers ablate with Hydra. Every Hydra program of an environment imports this file, so it imports next to nothing."""

from pathlib import Path
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.plugins.sweeper import Sweeper

CONF = Path(__file__).resolve().parent.parent / "ablate" / "engine" / "conf"

ConfigStore.instance().store(
    group="hydra/sweeper",
    name="ablate",
    node={"_target_": "hydra_plugins.ablate_sweeper.AblateSweeper", "params": None},
    provider="ablate",
)


class AblateSearchPath(SearchPathPlugin):
    """Makes `defaults: [ablate, _self_]` and the group `logger` known to every program, a notebook's `compose` included."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        search_path.append(provider="ablate", path=str(CONF))


class AblateSweeper(Sweeper):
    """Delegates to ablate.engine.sweeper, which is imported when a sweep begins."""

    def __init__(self, params: Any = None) -> None:
        self.params = params  # overrides by their key, for a file that names a sweep

    def setup(self, **context: Any) -> None:
        from ablate.engine.sweeper import StudySweeper

        self._sweeper = StudySweeper(self.params)
        self._sweeper.setup(**context)

    def sweep(self, arguments: list[str]) -> Any:
        return self._sweeper.sweep(arguments)
