"""What is on disk: run directories, records, the study manifest, locks, fingerprints; and the data frames read from them."""
