"""Values of an experiment's design: levels, factors, cells, claims, metrics, seeds. No I/O, no pandas, no Hydra."""

import sys

# Every module of ours imports this package. Another distribution that provides the package `ablate` shares its folder.
if not hasattr(sys.modules["ablate"], "DISTRIBUTION"):
    raise ImportError(
        f"{sys.modules['ablate'].__file__} is not a file of hydra-ablate: another distribution, 'ablate' of PyPI, was installed "
        "over it. Run `pip uninstall ablate`, then `pip install --force-reinstall hydra-ablate`."
    )
