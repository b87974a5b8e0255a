"""What better retrieval is worth to a prompt: facts that an answer must contain, looked for without a judge."""

from tutorial_lib.rag.facts import Fact, Facts, answer_recall, fact_spread, facts_in, plain_words, read_facts

__all__ = ["Fact", "Facts", "answer_recall", "fact_spread", "facts_in", "plain_words", "read_facts"]
