"""Value types of an experimental design: levels, factors, cells, claims, metrics, seeds. No I/O, no pandas, no Hydra."""

import sys

# Every module of hydra-ablate imports this package, so the check runs on any import. PyPI's `ablate` installs into the same
# folder.
if not hasattr(sys.modules["ablate"], "DISTRIBUTION"):
    raise ImportError(
        f"{sys.modules['ablate'].__file__} is not a file of hydra-ablate: another distribution, 'ablate' of PyPI, was "
        "installed over it. Run `pip uninstall ablate`, then `pip install --force-reinstall hydra-ablate`."
    )
