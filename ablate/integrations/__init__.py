"""Other libraries: torch, loggers. Each module is imported only when it is used."""
