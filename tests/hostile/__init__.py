"""Programs that try to break the sandbox, and blocks for them to abuse."""
