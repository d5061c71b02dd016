"""The engine: Hydra, planning, launching, the run under way."""
