"""Import results of other tools as `StudyResults`."""
