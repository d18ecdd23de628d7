"""The step between PostgreSQL and everybody else: `python -m compose.containers.migrate`.

The superuser's address and the logins' passwords come by file: `PAYERA_SUPERUSER_DATABASE_FILE`,
`PAYERA_APP_PASSWORD_FILE`, `PAYERA_RELAY_PASSWORD_FILE`.
"""

import asyncio
import os
from pathlib import Path

from sql.migrate import apply


def _secret(name: str) -> str:
    return Path(os.environ[f"{name}_FILE"]).read_text(encoding="utf-8").strip()


def main() -> None:
    done = asyncio.run(
        apply(
            _secret("PAYERA_SUPERUSER_DATABASE"),
            app_password=_secret("PAYERA_APP_PASSWORD"),
            relay_password=_secret("PAYERA_RELAY_PASSWORD"),
        )
    )
    print(f"migrations: {', '.join(done.migrations) or 'none'}", flush=True)  # noqa: T201 - this is the log


if __name__ == "__main__":
    main()
