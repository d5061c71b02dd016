"""The engine: what makes a study of a Hydra program. Plans, launches, records and resumes its runs."""
