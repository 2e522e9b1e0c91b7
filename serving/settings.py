"""What the service may be told: flags over environment (SEQ2SEQ_PORT=80) over these defaults."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, CliSettingsSource, SettingsConfigDict, SettingsError

from seq2seq.core.command_line import ArgumentParser
from seq2seq.core.errors import UserError


class Settings(BaseSettings):
    """Serve registered models or bundles over HTTP."""

    model_config = SettingsConfigDict(
        env_prefix="SEQ2SEQ_",
        extra="forbid",
        frozen=True,
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        protected_namespaces=(),
    )

    model: list[str] = Field(default=[], description="registered model, NAME or NAME@ALIAS; default: params.yaml's")
    bundle: list[Path] = Field(default=[], description="folder of a bundle, which needs no registry")
    host: str = Field(default="127.0.0.1", description="address to listen at")
    port: int = Field(default=8080, ge=0, le=65535, description="port to listen at; 0 takes a free one")
    threads: int = Field(
        default=0, ge=0, le=1024, description="that translate; 0: as many as the model was scored with"
    )
    store: Path = Field(default=Path(".serving"), description="folder for copies of registered bundles")
    poll_seconds: float = Field(default=10.0, ge=0.1, le=10**6, description="between two looks at the registry")
    wait_seconds: float = Field(default=30.0, ge=0.1, le=3_600, description="that a request may take, waiting included")
    queue_characters: int = Field(default=2_000_000, gt=0, le=10**9, description="that may wait; beyond it, status 429")
    text_characters: int = Field(
        default=100_000, gt=0, le=10**8, description="of text in one request; beyond it, status 413"
    )
    texts: int = Field(default=5_000, gt=0, le=10**6, description="in one request; beyond it, status 413")
    cache_bytes: int = Field(
        default=64 * 2**20, ge=0, le=2**40, description="of memory for sentences translated before"
    )
    open: bool = Field(default=False, description="answer without a key where others can reach the address")
    keys: Path = Field(default=Path(".serving/keys.json"), description="file that python -m serving.keys writes")
    shadow: str = Field(
        default="",
        pattern="^(https?://.+)?$",
        description="address, http://HOST:PORT, of a service that is asked too, whose answers no client sees",
    )
    shadow_share: float = Field(default=0.1, gt=0, le=1, description="of the requests that the shadow is asked too")
    shadow_table: Path = Field(
        default=Path(".serving/shadow.jsonl"), description="file of what both answered, with texts"
    )
    cors: list[str] = Field(default=[], description="origin whose pages may call this service; default: none")


def read_settings(arguments: list[str]) -> Settings:
    """The settings of a command line and the environment.

    Raises:
        UserError: one is wrong.
    """
    try:
        parser = ArgumentParser(prog="python -m serving", description=Settings.__doc__)
        source: Any = CliSettingsSource(Settings, cli_parse_args=arguments, root_parser=parser)
        return Settings(_cli_settings_source=source)  # type: ignore[call-arg]
    except ValidationError as error:
        first: Any = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"--{where.replace('_', '-')} {first.get('input')!r}: {first['msg']}; --help lists the settings"
        ) from None
    except SettingsError as error:
        raise UserError(f"{' '.join(str(error).split())}; --help lists the settings") from None
