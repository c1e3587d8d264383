"""The command line, the server's process and the report of a Python suite. It knows neither the clients nor the testbed."""

import argparse
import asyncio
import contextlib
import logging
import re
import sys
import time
from urllib.parse import urlsplit

from cases import Bench

DEADLINE = 10
# How long the peers of a case may take to close.
FAREWELL = 3
START = 10
STOP = 5


class Server:
    """A running testbed."""

    def __init__(self, command, flags=()):
        self._command = command
        self._flags = flags
        self._awaited = False

    async def start(self, port=0):
        """Starts the process and waits until it says where it listens."""
        # `exec`: the signal must reach the server, not a shell around it.
        script = " ".join(["exec", self._command, "--port", str(port), *self._flags])
        self._process = await asyncio.create_subprocess_exec("sh", "-c", script, stdout=asyncio.subprocess.PIPE)
        while line := await asyncio.wait_for(self._process.stdout.readline(), START):
            if match := re.match(r"listening on (http://\S+)", line.decode()):
                self.url = match[1]
                return self
        raise RuntimeError(f"the server did not say where it listens: {script}")

    async def restart(self, crash=False):
        """Ends the process, gracefully or not, and starts a new one with the same flags on the same port."""
        if crash:
            self._process.kill()
            await self._process.wait()
        await self.stop()
        await self.start(urlsplit(self.url).port)

    async def stop(self):
        """Ends the process gracefully; one that does not end in time, or not with code 0, is an error."""
        if self.exited:
            return
        self._process.terminate()
        try:
            code = await asyncio.wait_for(self._process.wait(), STOP)
        except asyncio.TimeoutError:
            self._process.kill()
            raise RuntimeError(f"the server did not end within {STOP} s of SIGTERM") from None
        if code != 0:
            raise RuntimeError(f"the server ended with code {code} on SIGTERM")

    async def ended(self):
        """Waits for the end of the process, which is an error unless it ends in time and with code 0."""
        code = await asyncio.wait_for(self._process.wait(), STOP)
        if code != 0:
            raise RuntimeError(f"the server ended with code {code}")
        self._awaited = True

    @property
    def exited(self):
        """Whether the process has ended."""
        return self._process.returncode is not None

    @property
    def lost(self):
        """Whether the process has ended and no case has waited for that."""
        return self.exited and not self._awaited


def plan_over(peer_class, cases):
    """The cases of one kind of client, each over all its transports, `run` taking the server."""
    for case in cases:
        for transport in case.over:
            name = f"{peer_class.kind}: {case.name}" + (f" ({transport})" if transport else "")
            yield name, case.flags, _over(peer_class, case, transport)


def _over(peer_class, case, transport):
    """A case of a client and transport: takes the running server."""

    async def run(server):
        bench = Bench(peer_class, [transport] if transport else None, server.url, server.restart, server.ended)
        try:
            await case.run(bench)
        finally:
            # Over polling the client's farewell can be lost in the client itself, see `peers.written`. Here it is no part
            # of the case; those that are about it flush first, and look for what reaches the server.
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(bench.close(), FAREWELL)

    return run


def run_suite(about, plan):
    """Runs the cases of `plan` that the command line chooses, each `(name, flags, run)`, and ends the process."""
    sys.exit(0 if asyncio.run(_run(about, plan)) else 1)


async def _run(about, plan):
    """Runs them one after the other; true if all passed."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--server", required=True, help="command that starts the testbed")
    parser.add_argument("--filter", default="", help="run only cases whose name contains this")
    options = parser.parse_args()
    # Clients report the refusals and cuts the cases are about; a failing case speaks for itself.
    logging.disable(logging.CRITICAL)

    passed = failed = 0
    shared = await Server(options.server).start()
    for name, flags, run in plan:
        if options.filter not in name:
            continue
        start = time.monotonic()
        reason = None
        try:
            if shared.exited:
                shared = await Server(options.server).start()
            server = await Server(options.server, flags).start() if flags else shared
            try:
                await asyncio.wait_for(run(server), DEADLINE)
            finally:
                lost = server.lost
                if server is not shared:
                    await server.stop()
            if lost:
                reason = "passed, but the server exited"
        except asyncio.TimeoutError:
            reason = f"no end after {DEADLINE} s"
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        passed, failed = (passed, failed + 1) if reason else (passed + 1, failed)
        ms = round((time.monotonic() - start) * 1000)
        print(f"not ok - {name}: {reason}" if reason else f"ok - {name} ({ms})", flush=True)
    await shared.stop()
    print(f"{passed} passed, {failed} failed")
    return failed == 0
