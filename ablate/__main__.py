"""Run the command `ablate` as `python -m ablate`, where its script is not on the PATH."""

from ablate.cli import main

if __name__ == "__main__":
    main()
