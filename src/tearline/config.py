"""Settings, read once into a frozen value.

Every setting can be given in the environment as `TEARLINE_<NAME>`.
"""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may set; the defaults suit one machine."""

    model_config = SettingsConfigDict(env_prefix="TEARLINE_", frozen=True, extra="ignore")

    home: Path = Path("~/.tearline")
    """The folder that holds this node's store, keys and card."""
    store: SecretStr = SecretStr("")
    """The address of a PostgreSQL database; empty for a SQLite file in the home."""
    store_read: SecretStr = SecretStr("")
    """The address of read replicas of it, from which pages are read; empty for none."""
    page_limit: int = 1000
    """Objects on one TAXII page, at most."""
    max_content_length: int = 32 << 20
    """The largest body that is taken by POST; TAXII announces it."""
    body_seconds: int = 60
    """How long a body may take to come."""
    poll_seconds: int = 60
    """How often a running node syncs with each partner; 0 switches it off."""
    private_seconds: int = 60
    """The fixed cadence at which private decisions and imports become a leaf of the private log."""
    tls_cert: Path | None = None
    """The certificate, with its chain, that this node shows; a PEM file. None: plain HTTP."""
    tls_key: Path | None = None
    """The private key of that certificate; a PEM file."""
    pages_url: str = ""
    """The public address of the pages, whose host passkeys belong to; empty: localhost."""
    oidc_issuer: str = ""
    """The issuer of the organisation's sign-on (OpenID Connect); empty for none."""
    oidc_client_id: str = ""
    """What this node is called there."""
    oidc_secret_file: Path | None = None
    """A file with the secret that it has there; None where it has none."""
    oidc_name: str = ""
    """What the button on the sign-in page calls it; empty: its host."""
    oidc_scopes: str = "openid profile"
    """What is asked of it."""
    oidc_name_claim: str = "preferred_username"
    """The claim that names a person."""
    oidc_claim: str = "groups"
    """The claim from which roles follow."""
    oidc_roles: str = ""
    """Pairs `value=role`, parted by commas; the first that fits is the role."""
    proxies: str = "127.0.0.1,::1"
    """The addresses of proxies in front of this node, which are believed who asks."""
    client_certificates: bool = False
    """Whether partners' nodes have to show a certificate too, which the proxy hands on."""
    node_log_seconds: int = 60
    """The fixed cadence at which the node log gets a leaf that commits to all logs."""
    witness_url: str = ""
    """The address of an outside witness (C2SP tlog-witness) for our logs; empty for none."""
    witness_vkey: str = ""
    """Its verifier key, `name+id+key`, as its operator gives it."""
    witness_logs: Literal["node", "all"] = "node"
    """Which logs it cosigns: the node log alone, or those of all agreements too."""
    metrics: Literal["loopback", "all", "off"] = "loopback"
    """Who may read /metrics: programs on this machine alone, everybody, or nobody."""
    max_document_bytes: int = 1 << 30
    """The largest document that import reads, after decompression."""
    upload_bytes: int = 256 << 20
    """The most bytes that a browser brings in one go."""
    max_objects: int = 2_000_000
    """The most objects in one document."""
    max_object_bytes: int = 8 << 20
    """The largest single object."""
    max_depth: int = 64
    """The deepest nesting of one object."""


@cache
def settings() -> Settings:
    """Return the settings of this process, read once from the environment."""
    return Settings()
