"""The audit of reported numbers: consistency checks, reproduced values, verdicts."""
