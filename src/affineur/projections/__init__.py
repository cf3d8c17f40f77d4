"""Projections: what is derived from the rows by following the journal. All of it can be deleted and comes back."""
