"""The hints name packages that pip finds, whether this distribution is on an index or in a checkout."""

import importlib.metadata

import pytest

from ablate.core.extras import install


def test_the_packages_of_an_extra_are_named() -> None:
    assert install("joblib") == "pip install 'hydra-joblib-launcher>=1.2'"
    assert install("slurm") == "pip install 'hydra-submitit-launcher>=1.2' 'submitit>=1.5'"


def test_without_the_metadata_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", absent)
    assert install("joblib") == "pip install 'hydra-ablate[joblib]'"
