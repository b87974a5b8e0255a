"""Private names of other libraries do what we take them for."""

from transformers import TrainingArguments

from tutorial_lib.private_api import take_one_gpu


def test_several_gpus_in_sight_count_as_one(tmp_path, monkeypatch):
    arguments = TrainingArguments(output_dir=str(tmp_path), per_device_train_batch_size=6, use_cpu=True)
    arguments._n_gpu = 3
    assert arguments.train_batch_size == 18  # what Trainer would make of it
    take_one_gpu(arguments)
    assert (arguments.n_gpu, arguments.train_batch_size) == (1, 6)
    arguments._n_gpu = 0
    take_one_gpu(arguments)
    assert arguments.n_gpu == 0
