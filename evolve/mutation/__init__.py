"""Mutation by language models: ideas, prompts, replies, and what is learnt from their children."""
