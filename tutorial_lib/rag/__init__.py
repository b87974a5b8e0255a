"""From rankings to answers: contexts under a budget, prompts, answers, experiments, and what they cost."""
