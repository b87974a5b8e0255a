"""What is used of other libraries under private names still does what it is used for."""

import json
import subprocess
import sys
import warnings

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import Linear
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel, TrainingArguments

from tutorial_lib import private_api

SHAPE = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8, "vocab_size": 10}


def test_berts_attention_can_be_chosen_and_mpnets_cannot():
    assert private_api.can_choose_attention(BertModel(BertConfig(**SHAPE)))
    assert not private_api.can_choose_attention(MPNetModel(MPNetConfig(**SHAPE)))


def test_the_attention_kernel_is_the_one_that_was_set():
    model = BertModel(BertConfig(**SHAPE))
    for kernel in ("eager", "sdpa"):
        model.set_attn_implementation(kernel)
        assert private_api.attention_kernel(model) == kernel


def test_peft_takes_our_layer_in_place_of_its_own():
    class Ours(Linear):
        pass

    config = LoraConfig(target_modules=["0"])
    private_api.use_lora_layer(config, torch.nn.Linear, Ours)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(torch.nn.Sequential(torch.nn.Linear(2, 2)), config)
    assert type(model.base_model.model[0]) is Ours


def test_a_file_that_a_model_does_not_have_is_none(tmp_path, monkeypatch):
    snapshot = tmp_path / "models--owner--name" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (tmp_path / "models--owner--name" / "refs").mkdir()
    (tmp_path / "models--owner--name" / "refs" / "main").write_text("abc")
    (snapshot / "config.json").write_text("{}")
    monkeypatch.setattr("transformers.utils.hub.HF_HUB_CACHE", str(tmp_path), raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert private_api.file_of_model("owner/name", "config.json") == str(snapshot / "config.json")
    assert private_api.file_of_model("owner/name", "modules.json") is None


def test_read_awscli_gives_operations_and_their_examples():
    # In a child process, as the package does: importing awscli changes what `import botocore` means.
    code = "import json, sys; from tutorial_lib.private_api import read_awscli; json.dump(read_awscli(), sys.stdout)"
    services, examples = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert services["deploy"]["full_name"] == "AWS CodeDeploy"
    assert services["ec2"]["operation_of"]["describe-instances"] == "DescribeInstances"
    assert services["ec2"]["operations"]["DescribeInstances"][0] == "describe-instances"
    assert services["s3"] == {"full_name": "", "operations": {}, "operation_of": {}}  # a program of its own
    assert any(e[:2] == ["ec2", "describe-instances"] and "**" in e[2] for e in examples)


def test_several_gpus_in_sight_count_as_one(tmp_path, monkeypatch):
    arguments = TrainingArguments(output_dir=str(tmp_path), per_device_train_batch_size=6, use_cpu=True)
    arguments._n_gpu = 3
    assert arguments.train_batch_size == 18  # what Trainer would make of it
    private_api.take_one_gpu(arguments)
    assert (arguments.n_gpu, arguments.train_batch_size) == (1, 6)
    arguments._n_gpu = 0
    private_api.take_one_gpu(arguments)
    assert arguments.n_gpu == 0
