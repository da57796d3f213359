"""The search for persona generators."""
