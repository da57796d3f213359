"""Persona generators: contexts, personas, programs, the sandbox, bundles."""
