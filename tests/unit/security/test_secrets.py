"""The deployment's secrets and their file."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.kernel.ids import keyed_hash
from shared.security.secrets import (
    FILE_NAME,
    SecretsTooOpen,
    SecretsUnreadable,
    SecretTooShort,
    load_secrets,
)

GIVEN = "0123456789abcdef0123456789abcdef"


class TestTheFile:
    def test_is_made_at_the_first_start_for_its_owner_only_and_kept(self, tmp_path: Path) -> None:
        first = load_secrets(tmp_path / "data")
        file = tmp_path / "data" / FILE_NAME
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert load_secrets(tmp_path / "data") == first
        assert [path.name for path in file.parent.iterdir()] == [FILE_NAME]

    def test_of_two_deployments_differs_and_so_do_its_two_secrets(self, tmp_path: Path) -> None:
        one, two = load_secrets(tmp_path / "1"), load_secrets(tmp_path / "2")
        values = {secret.reveal() for each in (one, two) for secret in (each.identity_key, each.pepper)}
        assert len(values) == 4

    def test_made_by_many_at_once_is_one(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: load_secrets(tmp_path), range(32)))
        assert len({secrets.pepper.reveal() for secrets in made}) == 1

    def test_that_others_can_read_is_refused_with_what_to_do(self, tmp_path: Path) -> None:
        load_secrets(tmp_path)
        (tmp_path / FILE_NAME).chmod(0o640)
        with pytest.raises(SecretsTooOpen, match="chmod 600"):
            load_secrets(tmp_path)

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"identity_key": "short", "pepper": 1}'])
    def test_that_is_damaged_is_never_replaced(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / FILE_NAME
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(SecretsUnreadable):
            load_secrets(tmp_path)
        assert file.read_text() == text

    def test_is_not_made_where_the_settings_give_everything(self, tmp_path: Path) -> None:
        load_secrets(tmp_path, identity_key=GIVEN, pepper=GIVEN)
        assert list(tmp_path.iterdir()) == []


class TestASecret:
    def test_is_the_same_from_the_settings_as_from_the_file(self, tmp_path: Path) -> None:
        from_file = load_secrets(tmp_path)
        texts = json.loads((tmp_path / FILE_NAME).read_text())
        assert (
            load_secrets(tmp_path / "elsewhere", **{name: f" {text}\n" for name, text in texts.items()})
            == from_file
        )

    def test_can_be_given_alone(self, tmp_path: Path) -> None:
        both = load_secrets(tmp_path)
        mixed = load_secrets(tmp_path, pepper=GIVEN)
        assert mixed.identity_key == both.identity_key
        assert mixed.pepper != both.pepper

    def test_that_is_too_short_is_refused_by_name(self, tmp_path: Path) -> None:
        with pytest.raises(SecretTooShort) as caught:
            load_secrets(tmp_path, pepper="hunter2")
        assert caught.value.field == "pepper"
        assert "hunter2" not in str(caught.value)

    def test_never_shows_itself(self, tmp_path: Path) -> None:
        assert "redacted" in repr(load_secrets(tmp_path))
        assert str(load_secrets(tmp_path)).count("[redacted]") == 2

    def test_fits_as_the_key_of_an_identity(self, tmp_path: Path) -> None:
        assert len(keyed_hash(load_secrets(tmp_path).identity_key.reveal(), "email", "x")) == 32
