"""The engine: plans, launches, records and resumes the runs of a Hydra program."""
