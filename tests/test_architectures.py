"""Encoders other than BERT, two layers each with random weights: loaded, adapted, trained, saved and loaded again."""

import json

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from tests.tiny import ACTIONS, FILLERS, THINGS, tiny_dataset
from tutorial_lib.models import hardware
from tutorial_lib.models.encoder import Encoder, pooled
from tutorial_lib.models.lora import save_adapter
from tutorial_lib.models.settings import EncoderSettings
from tutorial_lib.retrieval.bm25 import BM25
from tutorial_lib.training.finetune import prepare_training
from tutorial_lib.training.settings import LoraSettings, TrainSettings

TEXTS = ["cancel the invoice", "how to reset a password", "repair"]
BERT_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""In the order of the published models, where padding is token 1."""
SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "initializer_range": 0.5,
}
DISTIL = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 64, "initializer_range": 0.5}
ARCHITECTURES = {
    "BERT": (transformers.BertConfig, SHAPE, BERT_TOKENS, "WordPiece"),
    "DistilBERT": (transformers.DistilBertConfig, DISTIL, BERT_TOKENS, "WordPiece"),
    "MPNet": (transformers.MPNetConfig, {**SHAPE, "max_position_embeddings": 66}, ROBERTA_TOKENS, "WordPiece"),
    "RoBERTa": (transformers.RobertaConfig, {**SHAPE, "max_position_embeddings": 66}, ROBERTA_TOKENS, "BPE"),
    "ModernBERT": (transformers.ModernBertConfig, {**SHAPE, "global_attn_every_n_layers": 2}, BERT_TOKENS, "BPE"),
}
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)


def word_pieces(special, unknown):
    vocab = {word: n for n, word in enumerate(special + THINGS + ACTIONS + FILLERS)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def byte_pairs(special):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(special),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([" ".join(THINGS + ACTIONS + FILLERS)], trainer)
    return tokenizer


def write_model(folder, architecture):
    """Write a random encoder of ``architecture`` with its tokenizer into ``folder`` and return it."""
    make_config, shape, special, pieces = ARCHITECTURES[architecture]
    first, padding, last, unknown = special[:4] if special is ROBERTA_TOKENS else [special[n] for n in (2, 0, 3, 1)]
    tokenizer = byte_pairs(special) if pieces == "BPE" else word_pieces(special, unknown)
    number = {token: n for n, token in enumerate(special)}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, number[first]), (last, number[last])]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token=first,
        sep_token=last,
        pad_token=padding,
        unk_token=unknown,
    ).save_pretrained(str(folder))
    config = make_config(
        vocab_size=tokenizer.get_vocab_size(),
        pad_token_id=number[padding],
        cls_token_id=number[first],
        bos_token_id=number[first],
        sep_token_id=number[last],
        eos_token_id=number[last],
        **shape,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.AutoModel.from_config(config).save_pretrained(str(folder))
    return folder


def write_json(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


def prepare(folder, model, **settings):
    dataset = tiny_dataset()
    chosen = TrainSettings(
        epochs=6.0, min_steps=0, batch_size=12, learning_rate=0.02, warmup=0.0, temperature=0.2, dev_queries=0, **settings
    )
    return prepare_training(
        dataset,
        {},
        BM25(dataset.document_texts()),
        folder,
        model=model,
        lora=LoraSettings(4, 8),
        settings=chosen,
        device=torch.device("cpu"),
    )


@pytest.fixture
def precision(monkeypatch):
    """Return a function that makes this processor one with or without units for bfloat16."""

    def precision(*, bf16):
        monkeypatch.setattr(hardware, "bf16_is_fast", lambda device=None: bf16)

    return precision


@every_architecture
@pytest.mark.parametrize("bf16", [False, True], ids=["float32", "bfloat16"])
def test_it_learns_and_its_adapter_gives_the_same_vectors_once_loaded(architecture, bf16, precision, tmp_path):
    precision(bf16=bf16)
    base = write_model(tmp_path / "base", architecture)
    run = prepare(tmp_path / "checkpoints", base)
    losses = [loss for _, loss in run.train().losses]
    assert len(losses) == 6
    assert losses[-1] < losses[0] - 0.2
    save_adapter(run.encoder, tmp_path / "adapter", "card")
    precision(bf16=False)
    trained, loaded = run.encoder.encode(TEXTS), Encoder.load(tmp_path / "adapter").encode(TEXTS)
    assert np.allclose(loaded, trained, atol=1e-5)
    assert not np.allclose(loaded, Encoder.load(base).encode(TEXTS), atol=1e-2)


@every_architecture
def test_every_layer_that_a_vector_hangs_on_is_adapted_and_trained(architecture, float32, tmp_path):
    run = prepare(tmp_path / "checkpoints", write_model(tmp_path / "base", architecture))
    run.trainer.current_gradient_accumulation_steps = 1  # what train() sets before its first step
    run.trainer.training_step(run.encoder.model, run.trainer.data_collator(run.pairs))
    factors = {n: p for n, p in run.encoder.model.named_parameters() if ".lora_B." in n and "pooler" not in n}
    assert len(factors) == 2 * (4 if architecture == "ModernBERT" else 6)  # ModernBERT has one layer for q, k and v
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in factors.values())


@every_architecture
def test_a_text_as_long_as_the_window_is_read_and_a_longer_one_is_cut(architecture, float32, tmp_path):
    encoder = Encoder.load(write_model(tmp_path, architecture))
    # RoBERTa and MPNet have 66 positions, of which padding takes the first two.
    assert encoder.settings == EncoderSettings("mean", 64, "", "")
    long = "reset " * 100
    assert len(encoder.tokenize([long])[0]) == 64
    assert np.allclose(encoder.encode([long, "refund"])[0], encoder.encode([long[: 6 * 62]])[0], atol=1e-5)


@every_architecture
def test_padding_changes_no_vector(architecture, float32, tmp_path):
    encoder = Encoder.load(write_model(tmp_path, architecture))
    alone = encoder.encode(["repair"])
    assert np.allclose(encoder.encode(["repair", "please open the printer page then click repair " * 4])[0], alone, atol=1e-5)


def test_rotary_frequencies_are_not_rounded_with_the_weights(precision, tmp_path):
    precision(bf16=True)
    encoder = Encoder.load(write_model(tmp_path, "ModernBERT"))
    exact, half = encoder.model, encoder._inference_model()
    assert {p.dtype for p in half.parameters()} == {torch.bfloat16}
    frequencies = {n: b for n, b in exact.named_buffers() if "inv_freq" in n}
    assert len(frequencies) > 0
    assert all(torch.equal(b, half.get_buffer(n)) for n, b in frequencies.items())


@pytest.mark.parametrize("passage", ["document", "passage"])
def test_a_model_like_e5_is_read_with_its_prompts_and_mean_pooling(passage, float32, tmp_path):
    folder = write_model(tmp_path, "BERT")
    write_json(folder / "1_Pooling" / "config.json", {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False})
    write_json(folder / "config_sentence_transformers.json", {"prompts": {"query": "query: ", passage: "passage: "}})
    encoder = Encoder.load(folder)
    assert encoder.settings == EncoderSettings("mean", 64, "query: ", "passage: ")
    assert np.array_equal(encoder.encode_documents(TEXTS), encoder.encode([f"passage: {t}" for t in TEXTS]))
    batch = prepare(tmp_path / "checkpoints", folder).trainer.data_collator(prepare(tmp_path, folder).pairs[:1])
    starts = sorted(encoder.tokenizer.decode(ids[1:3]) for g in batch["groups"] for ids in g["input_ids"])
    assert starts == ["[UNK] :", "query :"]  # "passage" is no word of this vocabulary


def test_a_model_like_bge_is_pooled_by_its_first_token(float32, tmp_path):
    folder = write_model(tmp_path, "BERT")
    write_json(folder / "1_Pooling" / "config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    encoder = Encoder.load(folder)
    assert encoder.settings.pooling == "cls"
    inputs = encoder.pad(encoder.tokenize(TEXTS))
    with torch.inference_mode():
        first = torch.nn.functional.normalize(encoder.model(**inputs).last_hidden_state[:, 0], dim=1).numpy()
        assert not np.allclose(first, pooled(encoder.model, inputs, "mean").numpy(), atol=1e-2)
    assert np.allclose(encoder.encode(TEXTS), first, atol=1e-5)
    run = prepare(tmp_path / "checkpoints", folder)
    losses = [loss for _, loss in run.train().losses]
    assert losses[-1] < losses[0] - 0.2
