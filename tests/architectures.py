"""Encoders other than BERT, two layers each with random weights."""

import json

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from tests.tiny import ACTIONS, FILLERS, THINGS

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


def write_modules(folder, pooling=None, transformer=None, whole=None, normalize=True):
    """Write what sentence-transformers keeps beside a transformer: the list of modules, and what each file shall say."""
    kinds = {"Transformer": "", "Pooling": "1_Pooling", **({"Normalize": "2_Normalize"} if normalize else {})}
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for kind, path in kinds.items()]
    for name, content in (
        ("modules.json", modules),
        ("1_Pooling/config.json", {"word_embedding_dimension": 32, **(pooling or {})}),
        ("sentence_bert_config.json", transformer),
        ("config_sentence_transformers.json", whole),
    ):
        if content is not None:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder
