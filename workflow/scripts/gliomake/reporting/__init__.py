"""The reporting checklist of a study, filled in by what the run left behind, and a datasheet."""
