"""A data folder: where each program's files stand, and the settings that were written when it was made.

    hub.toml   hub/{ledger.sqlite or ledger.postgres,keys/}   relay/relay.sqlite
    regions/<code>/{region.toml,region.sqlite,keys/}
    nats/      logs/

Settings in the folder hold what must not be guessed (origin, sandbox, the ledger's key); addresses in them are where
the programs listened last, and the command line may say otherwise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from adapters.compose.ledger_place import known_place
from adapters.settings import HubSettings, RegionSettings, RelaySettings, Settings, WitnessSettings
from adapters.store.ledger_store import LedgerStore
from adapters.store.opening import open_store
from contracts.errors import UnavailableError
from contracts.ids import REGIONS


@dataclass(frozen=True, slots=True)
class DataFolder:
    """One deployment's files.

    Attributes:
        root: The folder.
    """

    root: Path

    @property
    def hub(self) -> Path:
        """The hub's own folder."""
        return self.root / "hub"

    @property
    def relay(self) -> Path:
        """The relay's own folder."""
        return self.root / "relay"

    @property
    def nats(self) -> Path:
        """The broker's store, where this deployment starts its own broker."""
        return self.root / "nats"

    @property
    def logs(self) -> Path:
        """What the programs told."""
        return self.root / "logs"

    def region(self, code: str) -> Path:
        """A region's own folder."""
        return self.root / "regions" / code

    def regions(self) -> list[str]:
        """Codes of the regions that have a folder here."""
        return [code for code in REGIONS if (self.region(code) / "region.toml").exists()]

    def hub_settings(self, **overrides: object) -> HubSettings:
        """The hub's settings.

        Raises:
            UnavailableError: STORE_MISSING: no hub was made here.
            ContractError: SETTINGS_INVALID.
        """
        return HubSettings.load(self._file(self.root / "hub.toml"), data_dir=self.hub, **overrides)

    def has_hub(self) -> bool:
        """Whether a hub was made here."""
        return (self.root / "hub.toml").exists()

    def relay_settings(self, **overrides: object) -> RelaySettings:
        """The relay's settings; raises as `RelaySettings.load`."""
        return RelaySettings.load(None, hub_data_dir=self.hub, relay_data_dir=self.relay, **overrides)

    def region_settings(self, code: str, **overrides: object) -> RegionSettings:
        """A region's settings; raises as `hub_settings`."""
        folder = self.region(code)
        return RegionSettings.load(self._file(folder / "region.toml"), data_dir=folder, **overrides)

    @property
    def witness(self) -> Path:
        """A witness's own folder."""
        return self.root / "witness"

    def witness_settings(self, **overrides: object) -> WitnessSettings:
        """A witness's settings; raises as `hub_settings`."""
        return WitnessSettings.load(self._file(self.root / "witness.toml"), data_dir=self.witness, **overrides)

    def write_witness(self, settings: WitnessSettings) -> None:
        """Keep a witness's settings."""
        _write(self.root / "witness.toml", settings)

    def _file(self, path: Path) -> Path:
        if not path.exists():
            raise UnavailableError(
                "STORE_MISSING",
                f"there is no {path}; make it with `pprd init`, `pprd region init` or `pprd witness init`",
            )
        return path

    def write_hub(self, settings: HubSettings) -> None:
        """Keep the hub's settings."""
        _write(self.root / "hub.toml", settings)

    def write_region(self, settings: RegionSettings) -> None:
        """Keep a region's settings."""
        _write(self.region(settings.region) / "region.toml", settings)

    def ledger(self) -> LedgerStore:
        """The ledger, to be read; the hub may go on writing it.

        Raises:
            UnavailableError: STORE_MISSING: there is none.
        """
        return open_store(known_place(self.hub), read_only=True)


def _write(path: Path, settings: Settings) -> None:
    """TOML of flat settings without those of which the folder itself tells: where it is, and where its ledger is."""
    values = settings.model_dump(mode="json", exclude_none=True, exclude={"data_dir", "store", "store_schema"})
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
