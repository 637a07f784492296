"""Settings: the environment of one process, read once, all faults told at once.

Every setting is a variable ``LEADMILL_…``. Each can come from a file instead: ``LEADMILL_X_FILE``
names a file whose content is the value, as container platforms hand out secrets. Values of secrets
are shown nowhere, also not in faults.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from shared.kernel.errors import Rejected
from shared.runtime.settings.durations import format_duration

S = TypeVar("S", bound="Settings")

PREFIX: Final = "LEADMILL_"
_FILE: Final = "_FILE"

_environment: ContextVar[Mapping[str, str] | None] = ContextVar("settings environment", default=None)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the settings: where, and what to do."""

    variable: str
    what: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.what}"


class SettingsFaulty(Rejected):
    """The settings are wrong; correct every variable that is named."""

    code = "settings.faulty"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("the settings are wrong:\n" + "\n".join(f"  {fault}" for fault in faults))


class _Environment(EnvSettingsSource):
    """The environment as it was handed in, with the files read."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        given = _environment.get()
        variables = os.environ if given is None else given
        return {name.lower(): value for name, value in variables.items() if value != ""}


class Settings(BaseSettings):
    """What a group of settings has in common; services subclass it with a prefix of their own.

    An empty variable counts as not set. Fields are documented by their ``description``; what they
    say is shown beside a fault and in `leadmill settings`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is handed over comes first, then the environment; no other place is looked at."""
        return init_settings, _Environment(settings_cls)

    def find_faults(self) -> Iterable[Fault]:
        """Return what is wrong between settings that are well-formed each; overridden where there is such."""
        return ()


def load_settings(kind: type[S], *, environment: Mapping[str, str] | None = None, **given: object) -> S:
    """Read the settings of one kind; ``given`` (from a command line) comes before the environment.

    :raises SettingsFaulty: naming every fault there is.
    """
    environment = os.environ if environment is None else environment
    variables, faults = _read_files(kind, environment)
    settings, wrong = _try(kind, variables, given)
    faults += wrong
    if settings is None:  # look for the faults between the others, with the faulty ones left out
        named = {fault.variable for fault in faults}
        sound = {name: value for name, value in variables.items() if name.upper() not in named}
        kept = {name: value for name, value in given.items() if variable_of(kind, name) not in named}
        settings, _ = _try(kind, sound, kept)
    if settings is not None:
        named = {fault.variable for fault in faults}
        faults += [fault for fault in settings.find_faults() if fault.variable not in named]
    if faults:
        raise SettingsFaulty(faults)
    assert settings is not None
    return settings


def find_unknown(
    kinds: Iterable[type[Settings]], *, environment: Mapping[str, str] | None = None, also: Iterable[str] = ()
) -> list[Fault]:
    """Return a fault for each ``LEADMILL_…`` variable that nobody reads, with what may have been meant."""
    environment = os.environ if environment is None else environment
    known = {variable_of(kind, name) for kind in kinds for name in kind.model_fields} | set(also)
    faults: list[Fault] = []
    for name in sorted(environment):
        plain = name.removesuffix(_FILE) if name.endswith(_FILE) else name
        if name.startswith(PREFIX) and name not in known and plain not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.75)
            faults.append(
                Fault(name, f"is not a setting; did you mean {close[0]}?" if close else "is not a setting")
            )
    return faults


def variable_of(kind: type[Settings], field: str) -> str:
    """Return the environment variable of a field."""
    return f"{kind.model_config.get('env_prefix', PREFIX)}{field}".upper()


def describe_settings(settings: Settings) -> dict[str, str]:
    """Return every setting and its value for people to read; secrets are redacted."""
    kind = type(settings)
    return {variable_of(kind, name): _show(getattr(settings, name)) for name in kind.model_fields}


def explain_settings(kind: type[Settings]) -> list[tuple[str, str, str]]:
    """Return variable, default and meaning of every setting of one kind."""
    rows: list[tuple[str, str, str]] = []
    for name, field in kind.model_fields.items():
        default = (
            "" if field.default is PydanticUndefined else _show(field.get_default(call_default_factory=False))
        )
        rows.append((variable_of(kind, name), default, field.description or ""))
    return rows


def _read_files(kind: type[Settings], environment: Mapping[str, str]) -> tuple[dict[str, str], list[Fault]]:
    variables = dict(environment)
    faults: list[Fault] = []
    for name in kind.model_fields:
        variable = variable_of(kind, name)
        path = environment.get(variable + _FILE, "")
        if not path:
            continue
        if environment.get(variable, ""):
            faults.append(Fault(variable, f"is set, and {variable}{_FILE} too; keep one of them"))
            continue
        try:
            variables[variable] = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            faults.append(
                Fault(variable + _FILE, f"the file cannot be read ({type(error).__name__}); check its path")
            )
            variables[variable] = ""
    return variables, faults


def _try(
    kind: type[S], variables: Mapping[str, str], given: Mapping[str, object]
) -> tuple[S | None, list[Fault]]:
    token = _environment.set(variables)
    try:
        return kind(**given), []  # type: ignore[arg-type]  # the fields' own types are checked by pydantic
    except ValidationError as error:
        return None, [
            _fault_of(kind, dict(detail)) for detail in error.errors(include_input=False, include_url=False)
        ]
    finally:
        _environment.reset(token)


def _fault_of(kind: type[Settings], detail: Mapping[str, Any]) -> Fault:
    name = str(detail["loc"][0]) if detail["loc"] else ""
    field: FieldInfo | None = kind.model_fields.get(name)
    meaning = f" ({field.description})" if field is not None and field.description else ""
    if detail["type"] == "missing":
        return Fault(variable_of(kind, name), f"is not set and is needed{meaning}")
    what = str(detail["msg"]).removeprefix("Value error, ")
    return Fault(variable_of(kind, name), what[:1].lower() + what[1:] + meaning)


def _show(value: object) -> str:
    if isinstance(value, SecretStr):
        return _show_secret(value.get_secret_value())
    if isinstance(value, timedelta):
        return format_duration(value)
    return "" if value is None else str(value)


def _show_secret(text: str) -> str:
    """Show of an address with a password where it points to, and of any other secret nothing."""
    if not text:
        return ""
    parts = urlsplit(text) if "://" in text else None
    if parts is not None and parts.hostname:
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://[redacted]@{parts.hostname}{port}{parts.path}"
    return "[redacted]"
