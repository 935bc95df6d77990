"""A tiny Llama model and its tokenizer, made on the spot: random weights with a fixed seed, in a few megabytes.

Run as `python tiny_model.py FOLDER`: it makes FOLDER/model, FOLDER/draft (smaller) and, where peft is installed,
FOLDER/adapter.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys

LAYERS, HIDDEN, HEADS, KV_HEADS, INTERMEDIATE, VOCABULARY, CONTEXT = 3, 128, 4, 2, 256, 2000, 2048

PROMPTS = os.path.join(os.path.dirname(__file__), "..", "lem_worker", "data", "prompts.jsonl")


def make(folder: str) -> None:
    """Makes the models in `folder`."""
    tokenizer = make_tokenizer()
    make_model(os.path.join(folder, "model"), tokenizer, LAYERS, seed=1)
    make_model(os.path.join(folder, "draft"), tokenizer, 1, seed=2)
    if importlib.util.find_spec("peft") is not None:
        make_adapter(os.path.join(folder, "model"), os.path.join(folder, "adapter"))


def make_tokenizer():
    """A byte-level BPE tokenizer, trained on the built-in prompts; a start token comes before every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    with open(PROMPTS, encoding="utf-8") as file:
        texts = [json.loads(line)["prompt"] for line in file]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def make_model(folder: str, tokenizer, layers: int, seed: int) -> None:
    """A Llama with random weights; large ones, so that its choices are clear and its output has some variety."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=layers,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        max_position_embeddings=CONTEXT,
        initializer_range=0.4,
        bos_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_adapter(model_folder: str, folder: str) -> None:
    """A LoRA adapter with random weights for the model in `model_folder`."""
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    settings = peft.LoraConfig(r=4, lora_alpha=64, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    peft.get_peft_model(AutoModelForCausalLM.from_pretrained(model_folder), settings).save_pretrained(folder)


if __name__ == "__main__":
    make(sys.argv[1])
