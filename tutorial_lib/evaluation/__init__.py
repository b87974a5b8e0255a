"""Measures, paired tests, slices, and the decision to ship."""
