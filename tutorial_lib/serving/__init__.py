"""The service: embeddings, reranking and search over HTTP, by the models of a run."""
