"""One model has many names, and they mean the same."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maf_core.llm.rankings_names import NOTHING, ModelName, NameIndex, normalised

SAME = [
    ["gpt-oss:120b", "gpt-oss:120b-cloud", "openai/gpt-oss-120b:free", "GPT-OSS 120B (high)", "gpt_oss_120B"],
    ["glm-4.7", "GLM-4.7 (Reasoning)", "z-ai/glm-4.7", "glm-4-7", "glm-4.7:cloud", "z-ai/glm-4.7-20251222"],
    [
        "qwen3-coder:480b",
        "Qwen3 Coder 480B A35B Instruct",
        "qwen/qwen3-coder-480b-a35b-instruct",
        "Qwen3-Coder-480B-FP8",
    ],
    ["qwen3.5:397b", "Qwen3.5 397B A17B", "qwen/qwen3.5-397b-a17b"],
    ["gemma4:31b", "Gemma 4 31B (Non-reasoning)", "google/gemma-4-31b-it:free", "gemma-4-31B-it-q4_k_m"],
    ["kimi-k2.6:latest", "Kimi K2.6", "moonshotai/kimi-k2.6-2026-04-20"],
]
DIFFERENT = [
    ("gpt-oss:120b", "gpt-oss:20b"),
    ("glm-4.7", "glm-4.6"),
    ("glm-5.3", "glm-5.3-flash"),
    ("deepseek-v4-pro", "deepseek-v4-flash"),
    ("qwen3-max", "qwen3"),
    ("mistral-medium-3", "mistral-small-3"),
    ("kimi-k2", "kimi-k2-thinking"),
]


@pytest.mark.parametrize("names", SAME, ids=lambda names: names[0])
def test_names_of_one_model_are_one_name(names):
    assert len({normalised(name) for name in names}) == 1


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_names_of_two_models_stay_two(one, other):
    assert normalised(one) != normalised(other)


def test_the_size_is_told_apart_from_the_name():
    assert normalised("gpt-oss:120b-cloud") == ModelName("gpt-oss", "120b")
    assert normalised("Phi 4 Mini 3.8B") == ModelName("phi-4-mini", "3.8b")
    assert normalised("mixtral:8x7b") == ModelName("mixtral", "8x7b")
    assert normalised("deepseek-v4-flash") == ModelName("deepseek-v-4-flash", "")


# Words that carry no meaning of their own here: no size, no date, no way of packing.
words = st.text(string.ascii_lowercase, min_size=5, max_size=8)
names = st.builds("{}-{}.{}:{}b".format, words, st.integers(1, 9), st.integers(0, 9), st.integers(1, 999))


@given(
    names, st.sampled_from(["{}", "vendor/{}", "{}-cloud", "{} (high)", "{}-2026-08-01", "{}-20260801", "{}-instruct"])
)
def test_vendor_packaging_date_and_case_do_not_count(name, pattern):
    assert normalised(pattern.format(name)) == normalised(name) != NOTHING
    assert normalised(pattern.format(name).upper()) == normalised(name)


@given(names, st.sampled_from(" -_:"))
def test_separators_do_not_count(name, separator):
    assert normalised(name.replace("-", separator).replace(":", separator)) == normalised(name)


@given(words, st.integers(1, 99), st.integers(1, 99))
def test_versions_count(word, one, other):
    assert (normalised(f"{word}-{one}") == normalised(f"{word}-{other}")) is (one == other)


@given(st.text())
def test_any_text_is_a_name_or_nothing(text):
    base, size = normalised(text)
    assert set(base) <= set(string.ascii_lowercase + string.digits + "-")
    assert set(size) <= set(string.digits + "xbm.")


class TestIndex:
    INDEX = (("GPT-OSS 120B", 1), ("GPT-OSS 20B", 2), ("Nemotron 3 Super 120B", 3), ("DeepSeek V3.1", 4), ("???", 5))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("gpt-oss:120b-cloud", 1),
            ("gpt-oss:20b", 2),
            ("gpt-oss:70b", None),
            ("gpt-oss", None),  # which of the two?
            ("nemotron-3-super", 3),
            ("deepseek-v3.1:671b", 4),
            ("unheard-of", None),
            ("!!!", None),
            ("", None),
        ],
    )
    def test_a_size_that_is_not_said_is_found_when_only_one_is_meant(self, name, value):
        assert NameIndex(self.INDEX).get(name) == value

    @given(st.lists(st.tuples(st.text(), st.integers())), st.text())
    def test_any_names_make_an_index(self, values, name):
        found = NameIndex(values).get(name)
        assert found is None or found in [value for _, value in values]
