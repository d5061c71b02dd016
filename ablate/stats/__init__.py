"""Statistics: frames and values in and out. No Hydra, no torch, no files."""
