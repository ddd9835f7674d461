//! Plans: what a step is, how a plan is compiled for each case at load, and the check that alone makes one.
