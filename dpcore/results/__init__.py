"""Result types and the precomputed store. Never imports torch."""
