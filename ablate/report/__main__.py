"""`python -m ablate.report`."""

from ablate.report.cli import main

if __name__ == "__main__":
    main()
