"""Ranking: runs and their tie rule, keyword and vector search, what a score is worth."""
