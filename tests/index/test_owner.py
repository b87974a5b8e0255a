import threading

import pytest

from tutorial_lib.index.lock import held, whoami


def test_a_lock_is_held_once_and_let_go_of(tmp_path):
    refusal, refused = RuntimeError("busy"), []

    def second():
        with pytest.raises(RuntimeError) as error, held(tmp_path / "lock", refusal):
            pass
        refused.append(error.value)

    with held(tmp_path / "lock", refusal):
        other = threading.Thread(target=second)
        other.start()
        other.join()
    assert refused == [refusal]
    with held(tmp_path / "lock", refusal):
        pass


def test_who_builds_is_user_and_machine():
    user, _, host = whoami().partition("@")
    assert user and host
