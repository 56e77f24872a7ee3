"""NVIDIA's Triton Inference Server with three small models in place of language models.

Prints its address once every model is ready, and ends when its standard input does, so that it outlives nobody.
Its one argument is a folder that it may fill.
"""

import json
import os
import pathlib
import socket
import sys
import sysconfig
import time
import urllib.error
import urllib.request

# The backend's stub looks for this Python's own library; without this it may find another build of the same version.
os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(
    filter(None, [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")])
)

import numpy as np
from pytriton.model_config import DynamicBatcher, ModelConfig, QueuePolicy, Tensor
from pytriton.triton import Triton, TritonConfig

LOOPBACK = "127.0.0.1"
RECORD_LINE = "Record id: r"
READY_WITHIN_S = 60
POLL_EVERY_S = 0.05
# What the model `narrow` needs for an answer: long enough that calls side by side meet.
THINKING_S = 0.01


def verdict(prompt, max_tokens, temperature):
    """Assigns record `rN` to the candidate that N counts to, and tells what the server was sent beside the prompt."""
    lines = prompt.splitlines()
    ids = [json.loads(line)["id"] for line in lines if line.startswith('{"id":')]
    number = next(int(line[len(RECORD_LINE) :]) for line in lines if line.startswith(RECORD_LINE))
    answer = {
        "rationale": f"{max_tokens} tokens at {temperature:.2f}",
        "decision": "assign",
        "cluster_id": ids[number % len(ids)],
        "confidence": "high",
        "new_cluster": None,
    }
    return json.dumps(answer)


def single(request, name):
    """The value of a tensor that holds one, with a batch dimension or without."""
    return request[name].reshape(-1)[0]


def said(request, prompt):
    text = single(request, prompt).decode()
    return text, verdict(text, single(request, "max_tokens"), single(request, "temperature"))


def judge(requests):
    return [{"response": np.array([[said(request, "text")[1].encode()]])} for request in requests]


def narrow(requests):
    time.sleep(THINKING_S)
    return judge(requests)


def echo(requests):
    """Puts the prompt before its answer, as backends of language models do unless told otherwise."""
    return [{"text_output": np.array(["".join(said(request, "text_input")).encode()])} for request in requests]


def bind(triton, name, infer, prompt, answer, config):
    inputs = [
        Tensor(name=prompt, dtype=bytes, shape=(1,)),
        Tensor(name="max_tokens", dtype=np.int32, shape=(1,)),
        Tensor(name="temperature", dtype=np.float32, shape=(1,)),
    ]
    triton.bind(name, infer, inputs=inputs, outputs=[Tensor(name=answer, dtype=bytes, shape=(1,))], config=config)
    return name


def wait_until_ready(url, models):
    """The server says that it is ready before its models are, so each of them is asked for."""
    deadline = time.monotonic() + READY_WITHIN_S
    for model in models:
        while not is_ready(f"{url}/v2/models/{model}/ready"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the model {model} is not ready after {READY_WITHIN_S} s")
            time.sleep(POLL_EVERY_S)


def is_ready(url):
    try:
        with urllib.request.urlopen(url, timeout=READY_WITHIN_S) as response:
            return response.status == 200
    except urllib.error.URLError:
        return False


def main():
    # The server's log comes through here too; what is read of the standard output is the address alone.
    told, sys.stdout = sys.stdout, sys.stderr
    # Triton takes no port 0. It may share this one, and nobody is given it while this socket is bound; as the socket
    # does not listen, all connections are Triton's.
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind((LOOPBACK, 0))
    port = holder.getsockname()[1]
    config = TritonConfig(
        http_address=LOOPBACK, http_port=port, allow_grpc=False, allow_metrics=False, exit_timeout_secs=10
    )
    server = Triton(config=config, workspace=pathlib.Path(sys.argv[1]) / "workspace")
    # PyTriton knows this flag of the server, and gives it no name of its own.
    server._triton_server_config["reuse-http-port"] = True
    queue = DynamicBatcher(default_queue_policy=QueuePolicy(max_queue_size=1))
    with server:
        models = [
            # Batched models want [1, 1] where others want [1].
            bind(server, "judge", judge, "text", "response", ModelConfig(max_batch_size=8)),
            bind(server, "echo", echo, "text_input", "text_output", ModelConfig(batching=False)),
            bind(server, "narrow", narrow, "text", "response", ModelConfig(max_batch_size=1, batcher=queue)),
        ]
        url = f"http://{LOOPBACK}:{port}"
        wait_until_ready(url, models)
        print(url, file=told, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
