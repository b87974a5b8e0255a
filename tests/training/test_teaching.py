import pytest
import torch

from tutorial_lib.training.teaching import Teaching

RUN = {"q": {"a": 1.0, "b": 0.0, "c": -1.0}, "r": {"a": 2.0, "z": 1.0}}


def test_only_documents_of_the_batch_are_compared_and_sharper_where_the_temperature_is_lower():
    columns = {"a": 2, "c": 0, "x": 1}
    (mild,) = Teaching({"q": RUN["q"]}, temperature=1.0).targets(["q"], columns)
    e = torch.tensor([-1.0, 1.0]).softmax(0)
    torch.testing.assert_close(mild, torch.tensor([e[0], 0.0, e[1]]))
    (sharp,) = Teaching({"q": RUN["q"]}, temperature=0.5).targets(["q"], columns)
    assert sharp[2] > mild[2]
    assert sharp.sum() == pytest.approx(1)


def test_a_query_with_one_ranked_document_or_none_has_no_shares():
    made = Teaching(RUN).targets(["r", "unknown", "q"], {"a": 0, "b": 1})
    assert made[:2].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert made[2].sum() == pytest.approx(1)


@pytest.mark.parametrize(("change", "told"), [({"weight": 0}, "weight is 0"), ({"temperature": -1}, "temperature is -1")])
def test_what_teaches_nothing_is_refused(change, told):
    with pytest.raises(ValueError, match=told):
        Teaching(RUN, **change)
