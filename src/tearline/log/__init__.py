"""History that others can check: leaves, tree, checkpoints, and a verifier that stands alone."""
