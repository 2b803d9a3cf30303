"""Swarm simulations for MAF: the source of simulated opinions, and the refresher that runs MiroFish."""
