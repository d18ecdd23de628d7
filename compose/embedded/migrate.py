"""The step between PostgreSQL and everybody else: `python -m compose.embedded.migrate`.

The superuser's address comes in `PAYERA_SUPERUSER_DATABASE`, not as an argument, since the arguments of a process are
visible to everybody on the machine; the logins' passwords likewise (see `sql.migrate`). A BIN table that is empty gets
the rows of the test cards that PSPs publish: this environment sees no others.
"""

import asyncio
import os

from compose.bin_table import seed_bins
from sql.migrate import apply


async def _bring_up(dsn: str) -> str:
    done = await apply(dsn)
    seeded = await seed_bins(dsn)
    return f"migrations: {', '.join(done.migrations) or 'none'}; BINs of test cards: {seeded or 'as they were'}"


def main() -> None:
    print(asyncio.run(_bring_up(os.environ["PAYERA_SUPERUSER_DATABASE"])), flush=True)  # noqa: T201 - this is the log


if __name__ == "__main__":
    main()
