"""The step between PostgreSQL and everybody else: `python -m compose.embedded.migrate`.

The superuser's address comes in `PAYERA_SUPERUSER_DATABASE`, not as an argument, since the arguments of a process are
visible to everybody on the machine; the logins' passwords likewise (see `sql.migrate`).
"""

import asyncio
import os

from sql.migrate import apply


def main() -> None:
    done = asyncio.run(apply(os.environ["PAYERA_SUPERUSER_DATABASE"]))
    print(f"migrations: {', '.join(done.migrations) or 'none'}", flush=True)  # noqa: T201 - this is the log


if __name__ == "__main__":
    main()
