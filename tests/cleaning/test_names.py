from tutorial_lib.cleaning.names import first_names


def test_first_names_come_from_many_countries():
    assert {"Laura", "Priya", "Giuseppe"} <= first_names()
    assert not {"Season", "Refund"} & first_names()
