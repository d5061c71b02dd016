"""The files of a study (runs, records, manifest, locks, fingerprints, checkpoints), and loading them as data frames."""
