"""Configuration: Hydra groups, contexts and reference populations."""
