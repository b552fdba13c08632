"""A finished build as a Workflow Run RO-Crate: what ran, when, on what, and what came out."""
