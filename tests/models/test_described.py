"""Every form that sentence-transformers saves gives its vectors, or one line that names the field."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.architectures import ARCHITECTURES, write_model, write_modules
from tests.helpers import write_json
from tutorial_lib.models.described import TRANSFORMER_FILES
from tutorial_lib.models.encoder import Encoder
from tutorial_lib.models.settings import EncoderSettings, ModelError

TEXTS = ["cancel the invoice", "how to RESET a Password", "repair", "please open the printer page then click repair " * 9, ""]
POOLINGS = ["mean", "cls", "lasttoken", "max", "weightedmean", "mean_sqrt_len_tokens", ("cls", "mean")]
PROMPTS = [
    {},
    {"query": "query : "},
    {"query": "query : ", "document": "article : "},
    {"query": "query : ", "passage": "article : "},
    {"retrieval": "query : "},
]
FORMS = {
    "architecture": sorted(ARCHITECTURES),
    "pooling": POOLINGS,
    "include_prompt": [True, False],
    "modules": [
        ("Normalize",),
        (),
        ("Dense", "Normalize"),
        ("Matrix", "Normalize"),
        ("Matrix",),
        ("Matrix", "Matrix"),
        ("LayerNorm",),
        ("Dropout", "Normalize"),
        ("Normalize", "Normalize"),
    ],
    "window": [None, 8, 20, 64],
    "lower_case": [False, True],
    "query_length": [None, 6],
    "document_length": [None, 10],
    "processing": [None, {"text": {"max_length": 9}}],
    "prompts": PROMPTS,
    "default_prompt": [None, "query"],
    "similarity": [None, "cosine", "dot", "euclidean", "manhattan"],
    "truncate": [None, 16],
    "padding_side": ["right", "left"],
}
PLAIN = {field: values[0] for field, values in FORMS.items()}
ONE_CHANGED = [{**PLAIN, field: value} for field, values in FORMS.items() for value in values[1:]]


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """A random model of every architecture; its tokenizer tells capitals from small letters, and names its window."""
    folders = {a: write_model(tmp_path_factory.mktemp("base"), a) for a in ARCHITECTURES}
    for file in (folder / "tokenizer_config.json" for folder in folders.values()):
        write_json(file, {**json.loads(file.read_text()), "model_max_length": 64})
    return folders


def save(base, folder, form):
    """Save ``base`` in one of the forms as sentence-transformers does, and return what it then loads."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules

    make = {
        "Normalize": modules.Normalize,
        "Dense": lambda: modules.Dense(32, 16),
        "Matrix": lambda: modules.Dense(32, 32, bias=False, activation_function=None),
        "LayerNorm": lambda: modules.LayerNorm(32),
    }
    transformer = modules.Transformer(
        str(base),
        max_seq_length=form["window"],
        do_lower_case=form["lower_case"],
        query_length=form["query_length"],
        document_length=form["document_length"],
        processing_kwargs=form["processing"],
    )
    transformer.tokenizer.padding_side = form["padding_side"]
    pooling = modules.Pooling(32, form["pooling"], include_prompt=form["include_prompt"])
    others = [make.get(name, modules.Dropout)() for name in form["modules"]]
    default = form["default_prompt"] if form["default_prompt"] in form["prompts"] else None
    SentenceTransformer(
        modules=[transformer, pooling, *others],
        device="cpu",
        prompts=form["prompts"],
        default_prompt_name=default,
        similarity_fn_name=form["similarity"],
        truncate_dim=form["truncate"],
    ).save(str(folder), create_model_card=False)
    return SentenceTransformer(str(folder), device="cpu")


def check_same_or_refused(folder, theirs):
    """Compare vectors and the order of documents; return whether the model was taken."""
    try:
        ours = Encoder.load(folder)
    except ModelError as error:
        assert "\n" not in str(error)
        assert str(folder) in str(error)
        return False
    queries, documents = theirs.encode_query(TEXTS), theirs.encode_document(TEXTS)
    for own, other in ((ours.encode_queries(TEXTS), queries), (ours.encode_documents(TEXTS), documents)):
        assert (own * other).sum(axis=1) / np.linalg.norm(other, axis=1) == pytest.approx(1, abs=1e-4)
    scores = ours.encode_queries(TEXTS) @ ours.encode_documents(TEXTS).T
    for own, other in zip(scores, theirs.similarity(queries, documents).numpy(), strict=True):
        assert np.diff(own[np.argsort(-other)]).max() < 1e-5  # best first by their measure is best first by ours
    return True


@pytest.mark.parametrize(
    "form", ONE_CHANGED, ids=lambda form: next((f"{k}={form[k]}" for k in form if form[k] != PLAIN[k]), "")
)
def test_one_thing_changed(form, bases, float32, tmp_path):
    taken = check_same_or_refused(tmp_path / "m", save(bases[form["architecture"]], tmp_path / "m", form))
    (field,) = (k for k in form if form[k] != PLAIN[k])
    refused = {
        "pooling": {"max", "weightedmean", ("cls", "mean")},
        "include_prompt": {False},
        "modules": set(FORMS["modules"]) - {("Normalize",), (), ("Matrix", "Normalize"), ("Matrix",)},
        "similarity": {"manhattan"},
        "truncate": {16},
        "query_length": {6},
        "document_length": {10},
    }
    passage = "passage" in form["prompts"]
    assert taken is not (passage or field == "processing" or form[field] in refused.get(field, ()))


CHANGES = st.sampled_from([(field, value) for field, values in FORMS.items() for value in values[1:]])
QUICK = settings(
    max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUICK
@given(changes=st.lists(CHANGES, min_size=2, max_size=3).map(dict))
def test_two_or_three_things_changed(changes, bases, float32, tmp_path):
    form = {**PLAIN, **changes}
    shutil.rmtree(tmp_path / "m", ignore_errors=True)
    check_same_or_refused(tmp_path / "m", save(bases[form["architecture"]], tmp_path / "m", form))


def tiny_with(copy, **files):
    """Return the settings of the tiny BERT with files of sentence-transformers beside it."""
    return Encoder.load(write_modules(copy, **files)).settings


@pytest.mark.parametrize("name", TRANSFORMER_FILES)
def test_the_settings_of_the_transformer_stand_under_seven_names(copy, name):
    write_modules(copy)
    write_json(copy / name, {"max_seq_length": 20, "do_lower_case": False})
    assert Encoder.load(copy).settings == EncoderSettings("mean", 20, "", "")


def test_the_first_of_the_seven_files_that_says_anything_counts(copy):
    write_json(copy / "sentence_xlnet_config.json", {"max_seq_length": 30})
    write_json(copy / "sentence_roberta_config.json", {"max_seq_length": 20})
    assert tiny_with(copy, transformer={}).max_length == 20


@pytest.mark.parametrize("said", [{}, {"max_seq_length": None}])
def test_a_window_that_the_files_leave_open_stands_in_the_tokenizers(copy, said):
    tokenizer = json.loads((copy / "tokenizer_config.json").read_text())
    write_json(copy / "tokenizer_config.json", {**tokenizer, "model_max_length": 20})
    assert Encoder.load(copy).settings.max_length == 20
    assert tiny_with(copy, transformer=said).max_length == 20
    assert tiny_with(copy, transformer={"max_seq_length": 30}).max_length == 30
    assert tiny_with(copy, transformer={"max_seq_length": 300}).max_length == 64  # its positions


@pytest.mark.parametrize(
    ("said", "pooling"),
    [
        ({}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_lasttoken": True, "include_prompt": True}, "lasttoken"),
        ({"pooling_mode": ["cls"]}, "cls"),
        ({"pooling_mode": "cls", "pooling_mode_mean_tokens": True}, "cls"),
    ],
)
def test_poolings_by_their_name_or_by_the_flags_of_older_versions(copy, said, pooling):
    assert tiny_with(copy, pooling=said).pooling == pooling


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"pooling": {"include_prompt": False}}, "1_Pooling/config.json sets include_prompt to False"),
        ({"pooling": {"pooling_mode": 7}}, "1_Pooling/config.json sets pooling_mode to 7"),
        ({"pooling": {"pooling_mode": "median"}}, "1_Pooling/config.json sets pooling_mode to 'median'"),
        ({"pooling": {"pooling_mode": []}}, r"1_Pooling/config.json sets pooling_mode to \[\]"),
        ({"pooling": {"word_embedding_dimension": "x"}}, "1_Pooling/config.json sets embedding_dimension to 'x'"),
        ({"pooling": {"window": 3}}, "1_Pooling/config.json sets window to 3"),
        ({"transformer": {"max_seq_length": "abc"}}, "sentence_bert_config.json sets max_seq_length to 'abc'"),
        ({"transformer": {"max_seq_length": -5}}, "sentence_bert_config.json sets max_seq_length to -5"),
        ({"transformer": {"max_seq_length": True}}, "sentence_bert_config.json sets max_seq_length to True"),
        ({"transformer": {"max_seq_length": float("inf")}}, "sentence_bert_config.json sets max_seq_length to inf"),
        ({"transformer": {"max_seq_length": 2}}, "reads 2 tokens of a text, of which 2 are special"),
        ({"transformer": {"do_lower_case": "yes"}}, "sentence_bert_config.json sets do_lower_case to 'yes'"),
        ({"transformer": {"query_length": 6}}, "sentence_bert_config.json sets query_length to 6"),
        ({"transformer": {"transformer_task": "fill-mask"}}, "sets transformer_task to 'fill-mask'"),
        ({"transformer": {"tokenizer_args": {"use_fast": False}}}, "sets tokenizer_args to {'use_fast': False}"),
        ({"transformer": [1]}, "sentence_bert_config.json holds a list instead of an object"),
        ({"whole": {"prompts": ["query : "]}}, "prompts are no object of texts"),
        ({"whole": {"prompts": {"query": 7}}}, "prompts are no object of texts"),
        ({"whole": {"prompts": {"passage": "article : "}}}, "the prompt 'passage' is not put before documents by"),
        ({"whole": {"model_type": "SparseEncoder"}}, "sets model_type to 'SparseEncoder'"),
        ({"whole": {"similarity_fn_name": "dot"}, "normalize": False}, "sets similarity_fn_name to 'dot'"),
        ({"whole": {"truncate_dim": 16}}, "sets truncate_dim to 16"),
    ],
)
def test_what_is_not_read_is_refused_with_its_field(copy, files, said):
    with pytest.raises(ModelError, match=said):
        tiny_with(copy, **files)


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        ({}, "is no list of modules with type and path"),
        (["Transformer"], "is no list of modules with type and path"),
        ([{"type": "sentence_transformers.models.Transformer"}], "is no list of modules with type and path"),
        ([{"path": ""}], "is no list of modules with type and path"),
        ([{"type": "own_code.Transformer", "path": ""}], r"has the modules \['own_code.Transformer'\], only"),
        ([{"type": "sentence_transformers.models.Transformer", "path": ""}], r"lists \['Transformer'\], only"),
        (
            [{"type": "sentence_transformers.models.Asym", "path": ""}],
            r"models.Asym.\], only",
        ),
    ],
)
def test_other_modules_are_refused(copy, modules, said):
    write_modules(copy)
    write_json(copy / "modules.json", modules)
    with pytest.raises(ModelError, match=said):
        Encoder.load(copy)


def test_a_module_outside_of_the_folder_is_refused(copy):
    file = write_modules(copy) / "modules.json"
    file.write_text(file.read_text().replace("1_Pooling", "../1_Pooling"))
    with pytest.raises(ModelError, match=r"names the folder '\.\./1_Pooling' outside of the model"):
        Encoder.load(copy)


def test_a_lost_pooling_or_a_lost_list_of_modules_is_refused_and_not_guessed(copy):
    write_modules(copy, {"pooling_mode": "cls"})
    (copy / "modules.json").rename(copy / "away.json")
    with pytest.raises(ModelError, match=r"has 1_Pooling/config.json and no modules.json"):
        Encoder.load(copy)
    (copy / "away.json").rename(copy / "modules.json")
    (copy / "1_Pooling" / "config.json").unlink()
    with pytest.raises(ModelError, match=r"1_Pooling/config.json is missing"):
        Encoder.load(copy)


@pytest.mark.parametrize(("architecture", "pooling"), [("BertModel", "mean"), ("BertForCausalLM", "lasttoken")])
def test_a_bare_transformer_is_read_as_sentence_transformers_reads_it(copy, float32, architecture, pooling):
    from sentence_transformers import SentenceTransformer

    config = json.loads((copy / "config.json").read_text())
    write_json(copy / "config.json", {**config, "architectures": [architecture]})
    assert Encoder.load(copy).settings.pooling == pooling
    assert check_same_or_refused(copy, SentenceTransformer(str(copy), device="cpu"))
