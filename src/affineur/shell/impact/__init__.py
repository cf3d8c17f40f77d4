"""Impact, from outside: gathering what is measured, keeping what a run knew, and reading the evidence again."""
