"""How the bundled model is made: probe, careful tuning, held-out sources, card."""
