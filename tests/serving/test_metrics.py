"""What is counted, and that nobody can fill the figures with names of their own."""

import re

from tutorial_lib.serving.metrics import Metrics


def value(text, name):
    return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[1])


def test_requests_batches_queue_and_version():
    metrics = Metrics()
    metrics.watch(lambda: 7, lambda: 3)
    metrics.batch.observe(12)
    metrics.answered("/search", "POST", 200, 0.03)
    text = metrics.text()
    assert value(text, "tutorial_queue_texts") == 7
    assert value(text, "tutorial_live_version") == 3
    assert value(text, 'tutorial_batch_texts_bucket{le="16.0"}') == 1
    assert value(text, 'tutorial_request_seconds_bucket{le="0.025",route="/search"}') == 0
    assert value(text, 'tutorial_request_seconds_bucket{le="0.05",route="/search"}') == 1


def test_two_services_count_apart():
    one, other = Metrics(), Metrics()
    one.answered("/search", "POST", 200, 0.1)
    assert "/search" not in other.text()


def test_over_http_paths_of_strangers_are_counted_together(client):
    for n in range(5):
        client.get(f"/{n}/secret-{n}")
    client.request("BREW", "/healthz")
    client.post("/v1/embeddings", json={"model": "tuned", "input": ["refund", "invoice"]})
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert value(answer.text, 'tutorial_requests_total{method="GET",route="other",status="404"}') == 5
    assert value(answer.text, 'tutorial_requests_total{method="POST",route="/v1/embeddings",status="200"}') == 1
    assert value(answer.text, "tutorial_batch_texts_sum") == 2
    assert "secret" not in answer.text
    assert "BREW" not in answer.text
