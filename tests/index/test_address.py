"""What of an address is shown: "S3cret" stands for a password or an API key, and is in no message."""

import pytest

from tests.index.test_milvus_client import shown as traceback_of
from tutorial_lib.index import VectorIndex, VectorIndexError
from tutorial_lib.index.address import secrets_in, shown

FORMS = {
    "http://root:S3cret@host:19530": "http://***@host:19530",
    "https://S3cret@host": "https://***@host",
    "root:S3cret@host:19530": "***@host:19530",  # the scheme was forgotten
    "S3cret@host:19530": "***@host:19530",
    "//root:S3cret@host:19530": "//***@host:19530",
    "http:/root:S3cret@host": "http:/***@host",
    " http://root:S3cret@host": " http://***@host",
    "unix:root:S3cret@/tmp/milvus.sock": "unix:***@/tmp/milvus.sock",
    "unix:/tmp/milvus.sock?token=S3cret": "unix:/tmp/milvus.sock?***",
    "http://host:19530?token=S3cret": "http://host:19530?***",
    "host:19530/?user=root&password=S3cret": "host:19530/?***",
    "http://host/#S3cret": "http://host/#***",
    "http://root:S3cret@host/db;token=S3cret": "http://***@host/db;***",
    "index.db?token=S3cret": "index.db?***",
    "folder?token=S3cret.db": "folder?***",
    "root:S3cret@host/index.db": "***@host/index.db",
    "root:S3cret": "root:***",
    "http://root:S3cret": "http://root:***",
    "http://root:p@S3cret@host": "http://***@host",
    "http://root:p?S3cret@host": "http://***",
    "http://host?token=p@S3cret": "http://***",
}
PLAIN = ["http://localhost:19530", "https://host", "host:19530", "http://[::1]:19530", "unix:/tmp/milvus.sock", "index.db"]
PATHS = ["/home/ada@work/index.db", r"C:\Users\ada@work\index.db", r"C:\folder", "/data/#1/index.db", "/tmp/folder"]


@pytest.mark.parametrize("address", FORMS)
def test_no_secret_is_shown(address):
    assert shown(address) == FORMS[address]
    text = address
    for secret in secrets_in(address):
        text = text.replace(secret, "***")
    assert "S3cret" not in text


@pytest.mark.parametrize("address", PLAIN + PATHS)
def test_where_there_is_none_the_address_stands_as_it_is(address):
    assert (shown(address), secrets_in(address)) == (address, [])


@pytest.mark.parametrize("address", [a for a in FORMS if "//" not in a])
def test_an_address_that_is_of_no_known_kind_is_refused_without_its_secret(address, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILVUS_URI", address)
    with pytest.raises(VectorIndexError, match=r"no index at .*\*\*\*.*: pass a path that ends in \.db, or") as error:
        VectorIndex()
    assert "S3cret" not in traceback_of(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_known_in_the_form_it_is_sent_in_too():
    assert secrets_in("http://root:S3%21cret@host") == ["root:S3%21cret", "root:S3!cret", "S3%21cret", "S3!cret"]
    assert secrets_in("http://host?token=S3cret&n=1") == ["token=S3cret&n=1", "S3cret"]  # "1" would be taken out of 19530
