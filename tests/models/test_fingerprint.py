import numpy as np

from tutorial_lib.models.fingerprint import fingerprint_of
from tutorial_lib.models.settings import EncoderSettings


def test_all_that_decides_a_vector_counts(tiny):
    eye = np.eye(32, dtype=np.float32)
    settings = EncoderSettings()
    told = [
        (settings, "{}", None, None),
        (EncoderSettings(max_length=32), "{}", None, None),
        (settings, "{ }", None, None),
        (settings, "{}", eye, None),
        (settings, "{}", None, eye),  # for queries alone
        (settings, "{}", eye, eye),
    ]
    made = [fingerprint_of(tiny.model, *parts) for parts in told]
    assert len(set(made)) == len(told)
    assert made == [fingerprint_of(tiny.model, *parts) for parts in told]
