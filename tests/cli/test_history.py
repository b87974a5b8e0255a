from tutorial_lib.cli import main


def test_a_run_alone_is_the_first_generation(finished, capsys):
    assert main(["history", str(finished.root)]) == 0
    head, _, row = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "folder"
    assert row.split() == ["1", "desk", "first"]
