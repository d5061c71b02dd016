"""The engine: Hydra, files and locks. It knows neither torch nor statistics nor images."""
