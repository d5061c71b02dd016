"""Subcommands of `ablate`: one module each, with a function `main` that reads `sys.argv`."""
