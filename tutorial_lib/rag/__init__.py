"""What better retrieval is worth to a prompt: contexts, facts and answers, prompts compared, and their cost in tokens."""

from tutorial_lib.rag.answer import Prices
from tutorial_lib.rag.budget import tokens_needed
from tutorial_lib.rag.context import ContextSettings, fill_context
from tutorial_lib.rag.endpoint import ChatEndpoint, ChatSettings
from tutorial_lib.rag.experiment import Grid, run_experiment
from tutorial_lib.rag.facts import answer_recall, read_facts
from tutorial_lib.rag.prompts import PromptTemplate
from tutorial_lib.rag.tokens import TokenCounter

__all__ = [
    "ChatEndpoint",
    "ChatSettings",
    "ContextSettings",
    "Grid",
    "Prices",
    "PromptTemplate",
    "TokenCounter",
    "answer_recall",
    "fill_context",
    "read_facts",
    "run_experiment",
    "tokens_needed",
]
