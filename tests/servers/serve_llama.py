"""llama.cpp's server with a language model of half a megabyte that is written here.

Its weights are random but for one thing: each token has a leaning of its own, chosen so that under the grammar of a
verdict the model comes to an end, and says nothing that contradicts itself. Which cluster it names is chance.

Prints its address once the model is loaded, and ends when its standard input does, so that it outlives nobody.
Its arguments are a folder that it may fill and the key that it asks for.
"""

import pathlib
import sys

import gguf
import numpy as np
import xllamacpp

LAYERS = 2
WIDTH = 64
HEADS = 4
FEED_FORWARD = 128
CONTEXT = 8192
SLOTS = 4
SEED = 7

# What a verdict has between its values. The grammar lets the model write it letter by letter too, which takes longer.
PIECES = [
    '{"rationale":"',
    ',"decision":"assign"',
    ',"cluster_id":"',
    ',"confidence":"',
    ',"new_cluster":null}',
]
# Tokens: the bytes, the pieces, the end of the text.
BYTES = 256
END = BYTES + len(PIECES)
TOKENS = END + 1

# The first number of each state is the same for all tokens and is touched by no layer: what the output layer makes of
# it is a token's leaning. The others are noise beside it.
CONSTANT = 8.0
NOISE = 0.1


def byte_names():
    """How byte-level vocabularies spell bytes: printable ones as they are, the others from U+0100 on (GPT-2)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in plain else next(others)) for byte in range(256)]


def leanings():
    """What each token has in its favour."""
    leaning = np.full(TOKENS, -40.0, dtype=np.float32)
    leaning[[ord(letter) for letter in "abcdefghijklmnopqrstuvwxyz "]] = 0.0
    # Texts end after a dozen letters.
    leaning[ord('"')] = 2.0
    # Wherever the grammar allows one of them.
    leaning[BYTES:] = 20.0
    return leaning


def write_model(path):
    random = np.random.default_rng(SEED)

    def noise(*shape):
        return (random.standard_normal(shape) * NOISE).astype(np.float32)

    def untouching(weights):
        weights[0] = 0.0
        return weights

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(TOKENS)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    names = byte_names()
    writer.add_token_list([*names, *PIECES, "<end>"])
    writer.add_token_types([gguf.TokenType.NORMAL] * END + [gguf.TokenType.CONTROL])
    # The file must name some merge; these two bytes never stand side by side.
    writer.add_token_merges([f"{names[0xFE]} {names[0xFF]}"])
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(False)

    embedding = noise(TOKENS, WIDTH) * 10
    embedding[:, 0] = CONSTANT
    output = noise(TOKENS, WIDTH)
    output[:, 0] = leanings() / CONSTANT
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    writer.add_tensor("output.weight", output)
    for layer in range(LAYERS):
        prefix = f"blk.{layer}."
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{prefix}{norm}.weight", np.ones(WIDTH, dtype=np.float32))
        for part in ("attn_q", "attn_k", "attn_v"):
            writer.add_tensor(f"{prefix}{part}.weight", noise(WIDTH, WIDTH))
        writer.add_tensor(f"{prefix}attn_output.weight", untouching(noise(WIDTH, WIDTH)))
        for part in ("ffn_gate", "ffn_up"):
            writer.add_tensor(f"{prefix}{part}.weight", noise(FEED_FORWARD, WIDTH))
        writer.add_tensor(f"{prefix}ffn_down.weight", untouching(noise(WIDTH, FEED_FORWARD)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    model = pathlib.Path(sys.argv[1]) / "tiny.gguf"
    write_model(model)
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = ["tiny"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = SLOTS
    params.n_ctx = CONTEXT * SLOTS
    params.n_gpu_layers = 0
    # Threads wait for each other by spinning, which takes long on a machine that has other things to do.
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.api_keys = [sys.argv[2]]
    params.ui = False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
