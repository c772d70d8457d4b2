"""Modules as adapters, against our own injection: the same log-probabilities in llama.cpp, and in its server."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.llamacpp.reserved_tokens import Places, VocabularyFile
from kobold_modules.errors import BadModule
from kobold_modules.formats import kobold, llama_lora
from kobold_modules.formats.llama_lora_guide import Bos, Exported, chat_template, guide
from kobold_modules.models.injection import PROVEN
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.starter import starter_path
from kobold_modules.models.untie import ALWAYS_TIED, is_tied, untie
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module, Vectors
from kobold_modules.soft_prompt.stack import Stack, layer_rows
from tests.backends.grown_gguf import grow
from tests.formats.adapted_llama import AdaptedLlama
from tests.formats.llama_server import llama_server


TEXT = "The rain had not stopped for nine days, and neither had the man in the grey coat."
CLOSE = 2e-3  # in log-probability; the bound

needs_llama_server = pytest.mark.skipif(
    find_spec("xllamacpp") is None, reason="the real llama-server is in the package xllamacpp, which is not installed"
)


def untied(file: ModelFile, folder: Path) -> ModelFile:
    """Return a copy of ``file`` that takes adapters, or ``file`` where it does."""
    if not is_tied(file):
        return file
    target = folder / f"{file.path.stem}-untied.gguf"
    for _ in untie(file, target, replace=True):
        pass
    return ModelFile.at(target)


def write_adapter(file: ModelFile, places: Places, rows: Vectors, path: Path, base: Vectors | None = None) -> Path:
    change = rows - (file.rows_at(places.ids) if base is None else base)
    llama_lora.write(
        llama_lora.Adapter(
            path.stem, file.facts.architecture, file.facts.vocabulary, places.ids, places.text, change, "digest"
        ),
        path,
    )
    return path


class Bench:
    """An untied model, two modules of it, their places, and their adapters."""

    def __init__(self, file: ModelFile, modules: list[Module], folder: Path) -> None:
        self.file, self.modules, self.folder = file, modules, folder
        with VocabularyFile(file.path) as words:
            everything = words.choose(sum(module.tokens for module in modules), "rare")
            self.text = everything.text
            self.places, at = [], 0
            for module in modules:
                ids = everything.ids[at : at + module.tokens]
                self.places.append(Places(ids, words.text_of(ids, "rare"), "rare"))
                at += module.tokens
        self.adapters = [
            write_adapter(file, places, module.vectors, folder / f"{number}.gguf")
            for number, (module, places) in enumerate(zip(modules, self.places, strict=True))
        ]
        self.ids = [token for places in self.places for token in places.ids]

    def injected(self, text: str, *strengths: float) -> Vectors:
        """Return log-probabilities of ``text`` behind the modules as we inject them."""
        stack = Stack(tuple(Layer(module, at) for module, at in zip(self.modules, strengths, strict=False)))
        with LlamaEngine(self.file, exact=True, disk=0) as engine:
            return engine.log_probabilities(text, stack)

    def tokens(self, text: str) -> list[int]:
        with VocabularyFile(self.file.path) as words:
            return words.ids(text)


def random_module(file: ModelFile, tokens: int, seed: int) -> Module:
    """Return rows near the table's own, with a start."""
    numbers = np.random.default_rng(seed)
    start = file.rows_at([int(row) for row in numbers.integers(0, file.facts.vocabulary, tokens)])
    noise = numbers.normal(size=start.shape).astype(np.float32) * start.std()
    return Module(start + noise, Card(f"random {seed}"), start)


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("adapters")
    file = untied(ModelFile.at(starter_path()), folder)
    noir = kobold.read(starter_path().with_name("demo-noir.zip"))
    return Bench(file, [noir, random_module(file, 7, 1)], folder)


def test_an_adapter_does_what_injected_rows_do(starter: Bench) -> None:
    tokens = starter.tokens(TEXT)
    ours = starter.injected(TEXT, 1)
    with AdaptedLlama(starter.file.path, [(starter.adapters[0], 1)]) as llama:
        theirs = llama.log_probabilities(starter.places[0].ids, tokens)
    assert np.abs(ours - theirs).max() < CLOSE
    assert np.abs(ours - starter.injected(TEXT)[0]).max() > 0.1  # and that is not nothing


def test_two_adapters_are_a_stack_in_the_order_of_their_tokens(starter: Bench) -> None:
    tokens = starter.tokens(TEXT)
    with AdaptedLlama(starter.file.path, [(path, 1) for path in reversed(starter.adapters)]) as llama:
        both = llama.log_probabilities(starter.ids, tokens)
        turned = llama.log_probabilities([*starter.places[1].ids, *starter.places[0].ids], tokens)
    assert np.abs(both - starter.injected(TEXT, 1, 1)).max() < CLOSE
    assert np.abs(both - turned).max() > CLOSE


def test_scale_0_is_the_plain_model(starter: Bench) -> None:
    tokens = starter.tokens(TEXT)
    with LlamaEngine(starter.file, exact=True, disk=0) as engine:
        plain = engine.score([*starter.places[0].ids, *tokens], Stack())[len(starter.places[0].ids) - 1 :]
    with AdaptedLlama(starter.file.path, [(starter.adapters[0], 0)]) as llama:
        assert np.abs(llama.log_probabilities(starter.places[0].ids, tokens) - plain).max() < CLOSE


def test_an_adapter_leaves_every_other_token_alone(starter: Bench) -> None:
    tokens = starter.tokens(TEXT)
    assert not set(tokens) & set(starter.ids)
    with AdaptedLlama(starter.file.path, [(starter.adapters[0], 1)]) as llama:
        assert np.abs(llama.log_probabilities([], tokens) - starter.injected(TEXT)).max() < CLOSE


def test_half_strength_is_written_into_the_file(starter: Bench, tmp_path: Path) -> None:
    rows = layer_rows(Layer(starter.modules[1], 0.5))
    half = write_adapter(starter.file, starter.places[1], rows, tmp_path / "half.gguf")
    with LlamaEngine(starter.file, exact=True, disk=0) as engine:
        ours = engine.log_probabilities(TEXT, Stack((Layer(starter.modules[1], 0.5),)))
    with AdaptedLlama(starter.file.path, [(half, 1)]) as llama:
        theirs = llama.log_probabilities(starter.places[1].ids, starter.tokens(TEXT))
    with AdaptedLlama(starter.file.path, [(starter.adapters[1], 0.5)]) as llama:
        scaled = llama.log_probabilities(starter.places[1].ids, starter.tokens(TEXT))
    assert np.abs(ours - theirs).max() < CLOSE
    assert np.abs(ours - scaled).max() > CLOSE  # a scale leads from the token's own row, not from our start


def test_with_a_file_of_its_start_the_scale_is_the_strength(starter: Bench, tmp_path: Path) -> None:
    module, places = starter.modules[1], starter.places[1]
    assert module.initial is not None
    start = write_adapter(starter.file, places, module.initial, tmp_path / "start.gguf")
    way = write_adapter(starter.file, places, module.vectors, tmp_path / "way.gguf", base=module.initial)
    with LlamaEngine(starter.file, exact=True, disk=0) as engine:
        ours = engine.log_probabilities(TEXT, Stack((Layer(module, 0.3),)))
    with AdaptedLlama(starter.file.path, [(start, 1), (way, 0.3)]) as llama:
        theirs = llama.log_probabilities(places.ids, starter.tokens(TEXT))
    assert np.abs(ours - theirs).max() < CLOSE


@needs_llama_server
def test_a_real_llama_server_reads_a_typed_string_as_the_stack(starter: Bench) -> None:
    """Per request, with scales of its own; the last of them asks for the plain model."""
    assert _furthest_from_llama_server(starter) < CLOSE


@pytest.fixture(scope="module")
def real(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return SmolLM2 in single precision.

    With quantised weights a row that differs by a millionth moves a log-probability by 0.25 on some processors, and two
    builds of llama.cpp differ by 0.3 without any adapter.
    """
    folder = tmp_path_factory.mktemp("real")
    file = untied(ModelFile.at(in_single_precision(smollm2, folder / "single.gguf")), folder)
    return Bench(file, [random_module(file, 12, 2), random_module(file, 5, 3)], folder)


@needs_llama_server
@pytest.mark.slow
def test_a_real_llama_server_reads_smollm2_with_a_stack(real: Bench) -> None:
    assert _furthest_from_llama_server(real) < CLOSE


@pytest.mark.slow
def test_smollm2_reads_an_adapter_as_injected_rows(real: Bench) -> None:
    tokens = real.tokens(TEXT)
    with AdaptedLlama(real.file.path, [(path, 1) for path in real.adapters]) as llama:
        both = llama.log_probabilities(real.ids, tokens)
        first = llama.log_probabilities(real.places[0].ids, tokens)
    assert np.abs(both - real.injected(TEXT, 1, 1)).max() < CLOSE
    assert np.abs(first - real.injected(TEXT, 1)).max() < CLOSE


def in_single_precision(source: Path, target: Path) -> Path:
    """Write ``source`` with all weights as float32."""
    import gguf

    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, "llama")
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name not in ("general.architecture", "general.file_type"):
            kind, *rest = field.types
            writer.add_key_value(name, field.contents(), kind, rest[-1] if rest else None)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def _furthest_from_llama_server(bench: Bench) -> float:
    """Return the largest difference of a log-probability: ten next tokens each, with two modules, one, and none."""
    furthest = 0.0
    with llama_server(bench.file.path, bench.adapters) as server:
        for strengths in ((1, 1), (1, 0), (0, 0)):
            answers = server.next_log_probabilities(bench.text + "\n" + TEXT, strengths)
            assert len(answers) == 10
            tokens = bench.tokens("\n" + TEXT)
            rows = [
                module.vectors if at else bench.file.rows_at(places.ids)
                for module, places, at in zip(bench.modules, bench.places, strengths, strict=True)
            ]
            stack = Stack(tuple(Layer(Module(table, Card("rows"))) for table in rows))
            with LlamaEngine(bench.file, exact=True, disk=0) as engine:
                for token, said in answers.items():
                    furthest = max(furthest, abs(float(engine.score([*tokens, token], stack)[-1]) - said))
    print(f"furthest from llama-server: {furthest:.2g}")
    return furthest


@needs_llama_server
def test_a_real_llama_server_takes_ids_and_text_in_one_list(starter: Bench) -> None:
    with llama_server(starter.file.path, starter.adapters) as server:
        typed = server.next_log_probabilities(starter.text + "\n" + TEXT, [1, 1])
        by_id = server.next_log_probabilities([*starter.ids, "\n" + TEXT], [1, 1])
    assert typed == pytest.approx(by_id, abs=CLOSE)


COMMON = frozenset({"falcon", "gemma3", "gpt2", "granite", "llama", "qwen3", "qwen3moe"})


@pytest.mark.parametrize(
    "architecture",
    [name if name in COMMON else pytest.param(name, marks=pytest.mark.slow) for name in sorted(PROVEN - ALWAYS_TIED)],
)
def test_every_architecture_reads_an_adapter_in_the_unit_of_its_table(tmp_path: Path, architecture: str) -> None:
    """Gemma and Granite multiply the rows of the table; the sum of row and adapter is multiplied with them."""
    grow(tmp_path / "grown.gguf", architecture)
    file = untied(ModelFile.at(tmp_path / "grown.gguf"), tmp_path)
    ids = (200, 210, 190, 201)
    module = Module(file.rows_at(ids[::-1]) + np.float32(0.01), Card("rows"))
    path = write_adapter(file, Places(ids, "", "unused"), module.vectors, tmp_path / "lora.gguf")
    with LlamaEngine(file, exact=True, disk=0) as engine:
        tokens = engine.tokenize(TEXT[:24])
        ours = engine.score(tokens, Stack((Layer(module),)))
    with AdaptedLlama(file.path, [(path, 1)]) as llama:
        theirs = llama.log_probabilities(ids, tokens)
    assert np.abs(ours - theirs).max() < CLOSE


def test_the_ids_are_found_again_in_the_file(starter: Bench) -> None:
    assert llama_lora.ids_in(starter.adapters[0]) == tuple(sorted(starter.places[0].ids))


def test_what_is_no_adapter_of_ours_has_no_ids(starter: Bench, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("no GGUF")
    (tmp_path / "cut.gguf").write_bytes(starter.adapters[0].read_bytes()[:3000])
    for path in (tmp_path / "text.gguf", tmp_path / "cut.gguf", starter.file.path, tmp_path / "absent.gguf"):
        with pytest.raises(BadModule, match=r"not an adapter|no file"):
            llama_lora.ids_in(path)


def test_equal_modules_make_equal_files(starter: Bench, tmp_path: Path) -> None:
    again = write_adapter(starter.file, starter.places[0], starter.modules[0].vectors, tmp_path / "0.gguf")
    assert again.read_bytes() == starter.adapters[0].read_bytes()


@pytest.fixture
def page() -> str:
    modules = [Exported("noir \x1b[31m", "noir.gguf", (5, 6), "<a><b>"), Exported("terse", "terse.gguf", (7,), "<c>")]
    return guide(modules, "m.gguf", kind="reserved", bos=Bos("<s>", 3.0, 3.25, 100), template="stack.jinja")


def test_the_guide_says_what_to_type_and_how_each_program_is_started(page: str) -> None:
    assert "\n<a><b><c>\n" in page
    assert "--lora noir.gguf --lora terse.gguf" in page
    assert "koboldcpp --model m.gguf --lora noir.gguf terse.gguf" in page
    assert "0.250 bits worse with it" in page
    assert "add_bos_token=bool:false" in page
    assert "\x1b" not in page


@pytest.mark.parametrize(
    ("own", "made"),
    [
        ("{{ bos_token }}{% for m in messages %}", '{{ bos_token }}{{- "<a>" -}}{% for m in messages %}'),
        ("{%- set x = 1 -%}{{- bos_token -}}x", '{%- set x = 1 -%}{{- bos_token -}}{{- "<a>" -}}x'),
        ("{% for m in messages %}", '{{- "<a>" -}}{% for m in messages %}'),
    ],
)
def test_a_chat_begins_with_the_module_behind_a_bos(own: str, made: str) -> None:
    assert chat_template("<a>", own) == made
