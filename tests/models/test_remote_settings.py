"""Which hosted model, where, at what price: what no request can be made with is refused in one line."""

import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.models.remote_settings import RemoteSettings

HERE = "http://127.0.0.1:8000/v1"


def test_a_price_must_be_known_for_a_server_elsewhere(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(DataError, match=r"price is not given: pass what a million tokens of large cost, 0 for a server of"):
        RemoteSettings("large")
    assert RemoteSettings("large", price=0.13).url == "https://api.openai.com/v1"
    assert RemoteSettings("large", "http://10.0.0.5:8000/v1/", price=0).url == "http://10.0.0.5:8000/v1"
    for here in (HERE, "http://localhost:1/v1", "http://[::1]:1/v1"):
        assert RemoteSettings("large", here).cost(1000) == 0
    monkeypatch.setenv("OPENAI_BASE_URL", HERE)
    assert RemoteSettings("large").url == HERE


def test_a_price_is_of_a_million_tokens():
    assert RemoteSettings("m", HERE, price=0.5).cost(3_000_000) == 1.5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": ""}, "model is empty"),
        ({"base_url": "localhost:8000"}, "base_url is no address"),
        ({"base_url": "http://me:secret@127.0.0.1/v1"}, "base_url holds a name, a password or a query"),
        ({"base_url": f"{HERE}?key=secret"}, "base_url holds a name, a password or a query"),
        ({"price": -1.0}, r"price is -1\.0 and max_cost 1\.0: pass at least 0"),
        ({"price": float("nan")}, "price is nan"),
        ({"max_cost": -0.5}, r"max_cost -0\.5: pass at least 0"),
        ({"dimensions": 0}, "dimensions is 0: pass at least 1"),
        ({"workers": 0}, "workers is 0"),
        ({"request_texts": 4096}, "request_texts is 4096: pass at most 2048"),
        ({"request_tokens": 100}, "request_tokens is 100 and max_tokens 8191"),
        ({"too_long": "ignore"}, "too_long is 'ignore': pass one of cut, refuse"),
        ({"query_fields": {"model": "x"}}, "query_fields hold model, which this package sets itself"),
        ({"document_fields": {"x": {1}}}, "document_fields are no JSON"),
    ],
)
def test_what_cannot_be_is_refused_and_no_secret_shown(settings, said):
    with pytest.raises(DataError, match=said) as refused:
        RemoteSettings(**{"model": "m", "base_url": HERE, **settings})
    assert "secret" not in str(refused.value)
