"""Does a claimed place agree with a belief: the evidence, and limits at stated rates."""
