"""A study: its file, its runs, its figures and tables, and what may be wrong with it."""
