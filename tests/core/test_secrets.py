"""Which settings are secrets, by their names."""

import pytest

from ablate.core.secrets import is_secret, is_secret_text, redacted


@pytest.mark.parametrize(
    "key",
    ["wandb.api_key", "logger.wandb.apikey", "aws.secret_access_key", "db.password", "hf_token", "hub.token", "PRIVATE_KEY"],
)
def test_names_of_secrets(key: str) -> None:
    assert is_secret(key)


@pytest.mark.parametrize(
    "key",
    ["key", "model.key_dim", "tokenizer", "max_tokens", "model.token", "secrets_dropped", "keys", "monkey", "data.secret"],
)
def test_names_of_models_and_data_are_none(key: str) -> None:
    assert not is_secret(key)


def test_variables_of_the_environment() -> None:
    assert is_secret_text("Bearer ${oc.env:HF_TOKEN,null}")
    for other in ("${oc.env:HOME}/keys", "${oc.env:DATASET_KEY,cifar}", "${oc.env:PAD_TOKEN}", "${oc.env:MONKEY}"):
        assert not is_secret_text(other)


def test_a_command_is_shown_without_its_secrets() -> None:
    typed = ["ablate", "sweep", "lr=0.1,0.2", "+wandb.api_key=a=b", "--", "train.py", "--api-key", "{lr}", "--seed", "{seed}"]
    shown = ["ablate", "sweep", "lr=0.1,0.2", "+wandb.api_key=***", "--", "train.py", "--api-key", "***", "--seed", "{seed}"]
    assert redacted(typed) == shown
    assert redacted(["--password", "--seed", "3"]) == ["--password", "--seed", "3"]
