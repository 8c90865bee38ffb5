"""The assignment, as a paper has it: densities, networks, objective, training, evaluation."""
