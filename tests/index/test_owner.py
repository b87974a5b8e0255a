from tutorial_lib.index.owner import whoami


def test_who_builds_is_user_and_machine():
    user, _, host = whoami().partition("@")
    assert user and host
