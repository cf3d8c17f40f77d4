"""Dependents: the graph of who requires whom, in arrays beside the database, and the questions that it answers."""
