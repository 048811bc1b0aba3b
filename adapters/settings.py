"""Settings of the programs: read once, frozen, checked as a whole, all mistakes told at once.

A value comes from the command line, else from the environment, else from the TOML file. Nothing that secures has a
default: who starts a program says whether identities are synthetic, which key signs the ledger, and where TLS is not
wanted the address has to be a loopback one (docs/adr/0008). Not here: the settings of a ledger, which stand in its
genesis entry.
"""

import os
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, ClassVar, Final, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from contracts.errors import ContractError
from contracts.ids import HUB_REGION, REGIONS

DEPLOY: Final = Path(__file__).resolve().parents[1] / "deploy"
"""The folder of the sample settings, in a tree that was cloned or installed in place."""


def _address(value: str) -> str:
    """Check `host:port`, with an IPv6 host in brackets; port 0 takes a free one."""
    parts = urlsplit(f"//{value}")
    try:
        port = parts.port
    except ValueError as err:
        raise ValueError(f"{value!r} has no port from 0 to 65535") from err
    if not parts.hostname or port is None or parts.netloc != value or "@" in value:
        raise ValueError(f"{value!r} is not HOST:PORT")
    return value


def _nats_url(value: str) -> str:
    """Check `nats://HOST:PORT` on loopback or `tls://HOST:PORT` anywhere."""
    scheme, _, rest = value.partition("://")
    _address(rest)
    if scheme not in ("nats", "tls"):
        raise ValueError(f"{value!r} begins with neither nats:// nor tls://")
    if scheme == "nats" and not is_loopback(rest):
        raise ValueError(f"{value!r} is not a loopback address: use tls://")
    return value


def is_loopback(address: str) -> bool:
    """Say whether a `HOST:PORT` can be reached from its own machine only.

    Args:
        address: A name other than `localhost` is never taken for loopback, whatever it resolves to.
    """
    host = urlsplit(f"//{address}").hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


Address = Annotated[str, AfterValidator(_address)]
"""`HOST:PORT`."""
NatsUrl = Annotated[str, AfterValidator(_nats_url)]
"""`nats://` on loopback, `tls://` anywhere."""


class Settings(BaseModel):
    """What all settings share: they are frozen, and an unknown name is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    env_prefix: ClassVar[str]

    @classmethod
    def load(cls, path: Path | None = None, /, **overrides: object) -> Self:
        """Read settings from a file, the environment and the command line; later ones win.

        Args:
            path: A TOML file, or None for none.
            overrides: What the command line says; None means that it says nothing.

        Returns:
            Settings that are right as a whole.

        Raises:
            ContractError: SETTINGS_INVALID, with every mistake in one message; `field` is the first wrong name.
        """
        said = {name: value for name, value in overrides.items() if value is not None}
        try:
            return cls.model_validate(_from_file(path) | _from_environment(cls.env_prefix) | said)
        except ValidationError as err:
            raise _all_mistakes(err, cls, path) from err


class HubSettings(Settings):
    """How one hub runs.

    Attributes:
        data_dir: Folder of the ledger, or of the pointer to it, and of the hub's keys.
        listen: Address of the gRPC server; port 0 takes a free one.
        origin: Name of the ledger in every checkpoint, and of its signing key (LEDGER 2).
        tls_cert: Certificate chain, PEM; required unless `listen` is a loopback address.
        tls_key: Its private key, PEM; required together with it.
        tls_client_ca: Certificates that may have signed a caller's, PEM; required together with them.
        max_queue_events: Events that may wait before the hub says OVERLOADED.
        batch_ceiling_events: Most events of one batch.
        heads_every_seconds: Pause between two `HeadsPublished` entries.
        clock_skew_ms: How far a batch's `created_ms` may be from the hub's clock, in milliseconds.
        openings_per_office_hour: Payloads that one office may ask for in an hour.
        openings_per_officer_hour: Payloads that one officer may ask for in an hour.
        sandbox: Whether identities are synthetic; no default (DOMAIN 3.6).
        publish: Address at which the ledger is published over HTTP; None publishes nothing. Encrypted as `listen` is.
        witness_policy: Policy file that names the witnesses of this ledger and their quorum; None asks none.
        operator: Region of who runs this ledger, or `00`; required with `witness_policy`, for who runs a ledger is no
            witness for it (LEDGER 8).
        store: Database of PostgreSQL in which a new ledger is made, as libpq reads it and without a password; empty
            makes it in a file. Afterwards the folder says where the ledger is, and this has to be the same or empty.
        store_schema: The ledger's own schema in that database.
    """

    env_prefix: ClassVar[str] = "PPRD_HUB_"

    data_dir: Path
    listen: Address
    origin: Annotated[str, Field(pattern=r"^[!-*,-~]+$", max_length=128)]
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    max_queue_events: Annotated[int, Field(ge=1024, le=1 << 20)] = 65_536
    batch_ceiling_events: Annotated[int, Field(ge=1, le=1024)] = 1024
    heads_every_seconds: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    clock_skew_ms: Annotated[int, Field(ge=1_000, le=3_600_000)] = 300_000
    openings_per_office_hour: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    openings_per_officer_hour: Annotated[int, Field(ge=1, le=1_000_000)] = 120
    sandbox: bool
    publish: Address | None = None
    witness_policy: Path | None = None
    operator: str | None = None
    store: str = ""
    store_schema: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,47}$")] = "pprd"

    @field_validator("tls_cert", "tls_key", "tls_client_ca")
    @classmethod
    def _secured_unless_loopback(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return _file_unless_loopback(value, info, "listen")

    @field_validator("publish")
    @classmethod
    def _published_securely(cls, value: str | None, info: ValidationInfo) -> str | None:
        return _encrypted_unless_loopback(value, info)

    @field_validator("operator")
    @classmethod
    def _who_runs_it(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and value not in (*REGIONS, HUB_REGION):
            raise ValueError(f"{value!r} is not one of {', '.join((*REGIONS, HUB_REGION))}")
        if value is None and info.data.get("witness_policy") is not None:
            raise ValueError("say who runs this ledger: whose witnesses may not be asked")
        return value


class KeySettings(Settings):
    """What opens the encrypted key files of whichever program starts; nothing for key files that are not encrypted.

    Attributes:
        passphrase: The passphrase itself; better in a file, since an environment is seen by more programs.
        passphrase_file: File of mode 0600 whose one line is the passphrase.
        kek_file: File of mode 0600 with a key-encryption key of 64 hex digits, as a key store hands it out.
    """

    env_prefix: ClassVar[str] = "PPRD_KEY_"

    passphrase: Annotated[SecretStr, Field(min_length=1)] | None = None
    passphrase_file: Path | None = None
    kek_file: Path | None = None

    @field_validator("kek_file")
    @classmethod
    def _one_of_the_three(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        given = (value, info.data.get("passphrase"), info.data.get("passphrase_file"))
        if sum(one is not None for one in given) > 1:
            raise ValueError("give one of passphrase, passphrase_file and kek_file")
        return value


class WitnessSettings(Settings):
    """How one witness runs.

    Attributes:
        data_dir: Folder of what it has cosigned and of its keys.
        listen: Address of its HTTP server; port 0 takes a free one.
        name: Name of its key; its validating key is called `<name>/validated`.
        region: Region of who runs it, or another two digits for somebody outside.
        policy: Policy file whose `log` lines are the ledgers that it cosigns.
        operates: Origins of the ledgers that the same people run: none of them may stand in `policy` (LEDGER 8).
        validate_source: Where it audits a ledger before it cosigns with its second key: what `pprd audit` takes; None
            has no second key.
        tls_cert: Certificate chain, PEM; required unless `listen` is a loopback address.
        tls_key: Its private key, PEM; required together with it.
    """

    env_prefix: ClassVar[str] = "PPRD_WITNESS_"

    data_dir: Path
    listen: Address
    name: Annotated[str, Field(pattern=r"^[!-*,-~]+$", max_length=128)]
    region: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    policy: Path
    operates: tuple[str, ...] = ()
    validate_source: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @field_validator("tls_cert", "tls_key")
    @classmethod
    def _secured_unless_loopback(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return _file_unless_loopback(value, info, "listen")


class PublishSettings(Settings):
    """How a ledger is published over HTTP by a program of its own.

    Attributes:
        source: A data folder or an export.
        listen: Address of the HTTP server; port 0 takes a free one.
        witness_policy: Policy file; with a quorum in it the checkpoint that is shown is the newest one that reached it.
        tls_cert: Certificate chain, PEM; required unless `listen` is a loopback address.
        tls_key: Its private key, PEM; required together with it.
    """

    env_prefix: ClassVar[str] = "PPRD_LEDGER_"

    source: Path
    listen: Address
    witness_policy: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @field_validator("tls_cert", "tls_key")
    @classmethod
    def _secured_unless_loopback(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return _file_unless_loopback(value, info, "listen")


class RelaySettings(Settings):
    """How the relay runs: it reads the hub's store and publishes to the broker.

    Attributes:
        hub_data_dir: The hub's `data_dir`; only read.
        relay_data_dir: Folder of the relay's own position.
        nats_url: Where the broker listens.
        nats_ca: Certificates that may have signed the broker's, PEM; None believes those of the system.
        nats_cert: The relay's certificate chain for the broker, PEM, where the broker asks for one.
        nats_key: Its private key, PEM; required together with it.
    """

    env_prefix: ClassVar[str] = "PPRD_RELAY_"

    hub_data_dir: Path
    relay_data_dir: Path
    nats_url: NatsUrl
    nats_ca: Path | None = None
    nats_cert: Path | None = None
    nats_key: Path | None = None


class RegionSettings(Settings):
    """How one region's gateway runs.

    Attributes:
        region: Two digits of GB/T 2260, one of the eleven.
        data_dir: Folder of the region's inbox and keys.
        hub_address: Where the hub's gRPC server listens.
        hub_ca: Certificates that may have signed the hub's, PEM; required unless `hub_address` is a loopback address.
        tls_cert: The region's certificate chain, PEM; required unless `hub_address` is a loopback address.
        tls_key: Its private key, PEM; required together with it.
        nats_url: Where the broker listens.
        nats_ca: Certificates that may have signed the broker's, PEM; None believes those of the system.
        nats_cert: The region's certificate chain for the broker, PEM, where the broker asks for one.
        nats_key: Its private key, PEM; required together with it.
        log_vkey: Verifier key of the ledger, as the operator handed it over; no default (LEDGER 2).
        sandbox: Whether identities are synthetic; no default (DOMAIN 3.6).
        witness_policy: Policy file: whom this region relies on. It asks the witnesses with an address itself what they
            have cosigned, tells where a head waits too long for the quorum, and checks receipts by it; None asks none.
        quorum_seconds: How long a head may wait for the quorum of `witness_policy` before that is told.
    """

    env_prefix: ClassVar[str] = "PPRD_REGION_"

    region: str
    data_dir: Path
    hub_address: Address
    hub_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    nats_url: NatsUrl
    nats_ca: Path | None = None
    nats_cert: Path | None = None
    nats_key: Path | None = None
    log_vkey: Annotated[str, Field(pattern=r"^[!-*,-~]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$", max_length=4096)]
    sandbox: bool
    witness_policy: Path | None = None
    quorum_seconds: Annotated[float, Field(ge=1, le=86_400)] = 600

    @field_validator("region")
    @classmethod
    def _one_of_the_eleven(cls, value: str) -> str:
        if value not in REGIONS:
            raise ValueError(f"{value!r} is not one of {', '.join(REGIONS)}")
        return value

    @field_validator("hub_ca", "tls_cert", "tls_key")
    @classmethod
    def _secured_unless_loopback(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return _file_unless_loopback(value, info, "hub_address")


def _encrypted_unless_loopback(value: str | None, info: ValidationInfo) -> str | None:
    """Refuse an address beyond this machine where no certificate is named."""
    if value is not None and not is_loopback(value) and None in (info.data.get("tls_cert"), info.data.get("tls_key")):
        raise ValueError(f"{value!r} is not a loopback address: name tls_cert and tls_key")
    return value


def _file_unless_loopback(value: Path | None, info: ValidationInfo, address: str) -> Path | None:
    """Require a TLS file where the address, if it is one at all, can be reached from other machines."""
    if value is not None:
        if not value.is_file():
            raise ValueError(f"{value} is not a file")
    elif address in info.data and not is_loopback(info.data[address]):
        raise ValueError(f"is required, because {address} = {info.data[address]!r} is not a loopback address")
    return value


def _from_file(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise ContractError("SETTINGS_INVALID", f"{path} cannot be read as TOML: {err}") from err


def _from_environment(prefix: str) -> dict[str, object]:
    return {name.removeprefix(prefix).lower(): value for name, value in os.environ.items() if name.startswith(prefix)}


def _all_mistakes(err: ValidationError, kind: type[Settings], path: Path | None) -> ContractError:
    """Say every mistake with its name; the wrong value only where our own check says it."""
    mistakes = [
        (".".join(str(part) for part in mistake["loc"]), mistake["msg"].removeprefix("Value error, "))
        for mistake in err.errors(include_input=False, include_url=False, include_context=False)
    ]
    told = "; ".join(f"{name}: {message}" for name, message in mistakes)
    source = f"{path} and " if path is not None else ""
    return ContractError(
        "SETTINGS_INVALID", f"{source}{kind.env_prefix}* give no {kind.__name__}: {told}", field=mistakes[0][0]
    )
