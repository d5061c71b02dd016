"""Where Hydra looks for sweepers. Every Hydra program of an environment imports this file: it imports next to nothing."""

from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper

ConfigStore.instance().store(
    group="hydra/sweeper",
    name="ablate",
    node={"_target_": "hydra_plugins.ablate_sweeper.AblateSweeper", "params": None},
    provider="ablate",
)


class AblateSweeper(Sweeper):
    """Hands over to ablate.engine.sweeper, which is imported when a sweep begins."""

    def __init__(self, params: Any = None) -> None:
        self.params = params  # overrides by their key, for a file that names a sweep

    def setup(self, **context: Any) -> None:
        from ablate.engine.sweeper import StudySweeper

        self._sweeper = StudySweeper(self.params)
        self._sweeper.setup(**context)

    def sweep(self, arguments: list[str]) -> Any:
        return self._sweeper.sweep(arguments)
