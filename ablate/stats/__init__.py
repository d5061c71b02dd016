"""Statistics: frames in, frames out. No Hydra, no torch, no files."""
