"""Actions: one verb, one function, one transaction. They call projections, shell and core; never each other."""
