"""Names that reach Git: remotes and refs, parsed and checked before any process sees them. Starts no process."""

import base64
import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from kagit.errors import Refused

PROTOCOLS = ("https", "ssh", "file")
"""What a remote may be reached by, unless the operator says otherwise; plain http is for loopback only."""

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")
_USER = re.compile(r"[A-Za-z0-9_.+%][A-Za-z0-9_.+%@~-]*")
_SCP = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>\[[^\]]+\]|[^@/:]+):(?P<path>.+)")
_HELPER = re.compile(r"(?P<scheme>[A-Za-z0-9+.-]*)::")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BAD_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


@dataclass(frozen=True, kw_only=True, repr=False)
class Remote:
    """A checked remote. `address` is what Git is given, without a password; `local` is its directory, if any."""

    scheme: str
    address: str
    shown: str
    local: Path | None = None
    header: str = ""
    origin: str = ""
    secrets: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        """The address as it may be shown to anybody."""
        return f"Remote({self.shown})"

    def mask(self, text: str) -> str:
        """The text without credentials and control characters."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        text = _USERINFO.sub("***@", text)
        return "".join(c if c.isprintable() or c == "\n" else " " for c in text).strip()


def parse_remote(url: str, *, protocols: Collection[str] = PROTOCOLS, keep_user: bool = False) -> Remote:
    """The remote that `url` names: https, ssh, scp-like or a local directory; Refused with the way out otherwise.

    With `keep_user` a user name without a password stays in the address, for a credential helper.
    """
    if not url or not url.isprintable() or url.startswith("-"):
        raise Refused(
            "repository address is empty, begins with '-' or holds control characters; give a URL or a directory"
        )
    helper = _HELPER.match(url)
    if helper:
        raise Refused(
            f"repository address uses the transport {helper['scheme']!r}::, which runs commands; use https or ssh"
        )
    if "://" in url:
        remote = _from_url(url, keep_user=keep_user)
    elif (scp := _SCP.fullmatch(url)) and not Path(url).exists():
        remote = _ssh(user=scp["user"] or "", host=scp["host"], port=None, path=scp["path"], scp=True)
    else:
        remote = _directory(Path(url))
    if remote.scheme == "http" or remote.scheme in protocols:
        return remote
    raise Refused(f"{remote.shown}: {remote.scheme} is not allowed here; allowed: {', '.join(sorted(protocols))}")


def _from_url(url: str, *, keep_user: bool) -> Remote:
    shown = _USERINFO.sub("***@", url)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise Refused(f"{shown}: not a valid URL; write https://host/path or ssh://user@host/path") from None
    path = _decoded(parts.path, shown)
    if parts.scheme == "file":
        if parts.netloc not in {"", "localhost"}:
            raise Refused(f"{shown}: file:// with a host is not supported; write file:///absolute/path")
        return _directory(Path(path))
    if parts.scheme not in {"http", "https", "ssh"}:
        raise Refused(f"{shown}: the transport {parts.scheme!r} is not supported; use https, ssh or a local directory")
    if " " in url or path.startswith("/-") or not path.strip("/"):
        raise Refused(f"{shown}: no path, or one that begins with '-' or holds spaces; write https://host/path")
    return _far(parts, shown=shown, keep_user=keep_user)


def _far(parts: SplitResult, *, shown: str, keep_user: bool) -> Remote:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme == "ssh":
        return _ssh(user=user, host=host, port=parts.port, path=parts.path, scp=False)
    _check_host(host, shown)
    if parts.scheme == "http" and not _is_loopback(host):
        raise Refused(f"{shown}: http sends everything in the clear; use https (http is for loopback only)")
    place = f"{host}:{parts.port}" if parts.port else host
    tail = f"{parts.path}?{parts.query}" if parts.query else parts.path
    origin = f"{parts.scheme}://{place}"
    if keep_user and user and not password:
        return Remote(scheme=parts.scheme, address=f"{parts.scheme}://{quote(user)}@{place}{tail}", shown=shown)
    return _with_basic(Remote(scheme=parts.scheme, address=origin + tail, shown=shown, origin=origin), user, password)


def _with_basic(remote: Remote, user: str, password: str) -> Remote:
    if not user and not password:
        return remote
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    plain = [password] if password else [user]
    secrets = {token, *plain, *(quote(p, safe="") for p in plain)}
    return Remote(
        scheme=remote.scheme,
        address=remote.address,
        shown=remote.shown,
        origin=remote.origin,
        header=f"Authorization: Basic {token}",
        secrets=tuple(sorted(secrets, key=lambda s: (-len(s), s))),
    )


def _ssh(*, user: str, host: str, port: int | None, path: str, scp: bool) -> Remote:
    if scp and not host.startswith("[") and len(host) == 1:
        raise Refused(f"{host}:…: looks like a drive letter; write file:///path or ssh://host/path")
    _check_host(host, host)
    if user and not _USER.fullmatch(user):
        raise Refused(f"ssh user name at {host} is not a plain name; write ssh://user@host/path")
    if path.lstrip("/").startswith("-") or any(c.isspace() for c in path):
        raise Refused(f"ssh path at {host} begins with '-' or holds spaces; write ssh://user@host/path")
    at = f"{user}@" if user else ""
    address = f"{at}{host}:{path}" if scp else f"ssh://{at}{host}{f':{port}' if port else ''}{path}"
    return Remote(scheme="ssh", address=address, shown=address)


def _directory(path: Path) -> Remote:
    try:
        absolute = path.expanduser().absolute()
    except RuntimeError:
        raise Refused(f"{path}: nobody's home directory is known by that name; write the directory in full") from None
    if not str(absolute).isprintable():
        raise Refused("repository directory holds control characters; rename it")
    return Remote(scheme="file", address=str(absolute), shown=str(absolute), local=absolute)


def _check_host(host: str, shown: str) -> None:
    if not _HOST.fullmatch(host):
        raise Refused(f"{shown}: {host!r} is not a host name; write https://host/path or ssh://user@host/path")


def _decoded(path: str, shown: str) -> str:
    plain = unquote(path)
    if not plain.isprintable():
        raise Refused(f"{shown}: the path holds control characters; write https://host/path")
    return plain


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def full_ref(name: str) -> str:
    """`refs/heads/<name>` (one that begins with refs/heads/ or refs/tags/ stays); Refused if Git would not take it."""
    ref = name if name.startswith(("refs/heads/", "refs/tags/")) else f"refs/heads/{name}"
    parts = ref.split("/")
    wrong = (
        name.startswith("-")
        or not name
        or not name.isprintable()
        or _BAD_IN_REF.search(ref) is not None
        or any(not p or p.startswith((".", "-")) or p.endswith((".lock", ".")) for p in parts)
    )
    if wrong:
        raise Refused(f"branch {name!r} is not a name that Git takes; use letters, digits, '-', '_', '.' and '/'")
    return ref


def check_id(value: str) -> str:
    """The object id itself; Refused if it is not 40 or 64 hex digits."""
    if not _ID.fullmatch(value):
        raise Refused(f"{value!r} is not an object id; give all 40 hex digits of it")
    return value


def check_person(author: tuple[str, str]) -> tuple[str, str]:
    """Name and e-mail address as a commit can hold them; Refused for angle brackets and control characters."""
    if any(not part or not part.isprintable() or set(part) & set("<>") for part in author):
        raise Refused(f"author {author!r}: name and e-mail may not be empty or hold '<', '>' or control characters")
    return author
