"""A private PostgreSQL with evd's schema, started by `evd --embedded`, and what scenarios need of it."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

SETTINGS = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "wal_level")


class Server:
    """Hosts no handlers: scenarios start daemons of their own with `daemon()`. Each scenario has a
    database of its own, to which `url` then leads, so that none meets what another left behind."""

    def __init__(self, binaries):
        self.binaries = pathlib.Path(binaries)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="evd-bench-"))
        self.directory.chmod(0o755)
        self.process = None
        self.home = None  # the database that no scenario works in
        self.url = None

    def __enter__(self):
        config = self.write_config("server", 'hosts = []', "")
        self.process = self._start(config, f"--embedded={self.directory}/pg")
        try:
            self._wait_until_ready("server", self.process)
        except BaseException:
            self.__exit__()
            raise
        self.home = self.url = (self.directory / "pg" / "url").read_text().strip()
        return self

    def __exit__(self, *_):
        self._stop(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)

    def describe(self):
        return ", ".join(f"{name} {self.value(f'show {name}')}" for name in SETTINGS)

    @contextlib.contextmanager
    def database(self, name):
        """A new database with evd's schema, gone afterwards."""
        previous = self.url
        connection = dict(pair.split("=", 1) for pair in self._conninfo().splitlines())
        self.sql(f'create database "{name}";')
        self.url = f"postgresql://{connection['user']}@/{name}?host={connection['host']}&port={connection['port']}"
        try:
            self.evctl("migrate")
            yield
        finally:
            self.url = previous
            self.sql(f'drop database "{name}" with (force);', self.home)

    def _conninfo(self):
        return self.sql("\\echo user=:USER\n\\echo host=:HOST\n\\echo port=:PORT")

    def sql(self, text, url=None):
        """Runs statements, each its own transaction; returns what they print, unaligned."""
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url or self.url], input=text, text=True,
                              capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def value(self, query):
        return self.sql(query + ";")

    def timed(self, text):
        """Seconds that statements take on the server's side of one connection."""
        began = time.monotonic()
        self.sql(text)
        return time.monotonic() - began

    @contextlib.contextmanager
    def session(self, text):
        """Another psql, which goes on with statements until the block ends."""
        process = subprocess.Popen(["psql", "-Xq", self.url], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   text=True)
        try:
            process.stdin.write(text + "\n")
            process.stdin.flush()
            yield
        finally:
            process.kill()
            process.wait()

    def client(self, *arguments):
        """What evd_bench_client measured, as a dictionary."""
        return self.finish(self.start_client(*arguments))

    def start_client(self, *arguments):
        return subprocess.Popen([self.binaries / "evd_bench_client", "--database", self.url, *map(str, arguments)],
                                stdout=subprocess.PIPE, text=True)

    @staticmethod
    def finish(client):
        output, _ = client.communicate()
        if client.returncode != 0:
            raise RuntimeError("evd_bench_client failed")
        return json.loads(output)

    def write_config(self, name, daemon_keys, rest):
        state = self.directory / name
        state.mkdir(exist_ok=True)
        path = self.directory / f"{name}.toml"
        path.write_text(f'[daemon]\nlisten = ["unix:{state}/evd.sock"]\nstate_dir = "{state}"\n'
                        f'log_level = "error"\n{daemon_keys}\n{rest}\n')
        return path

    def evctl(self, *arguments):
        subprocess.run([self.binaries / "evctl", "--database", self.url, *arguments], check=True,
                       stdout=subprocess.DEVNULL)

    def apply(self, config):
        self.evctl("--config", config, "apply")

    def daemon(self, name, config, environment=None):
        """A running daemon, to be stopped with stop()."""
        process = self._start(config, "--database", self.url, environment=environment)
        self._wait_until_ready(name, process)
        return process

    @contextlib.contextmanager
    def running(self, name, config, environment=None):
        process = self.daemon(name, config, environment)
        try:
            yield process
        finally:
            self._stop(process)

    def stop(self, process):
        self._stop(process)

    def wait_until_drained(self):
        """Looks every 10 ms whether nothing is left to run; returns when there was not, by the server's clock."""
        return float(self.sql("do $$ begin while evd.has_outstanding() loop commit; perform pg_sleep(0.01); end loop;"
                              " end $$; select extract(epoch from clock_timestamp());"))

    def newest_window(self):
        return int(self.value("select max(id) from evd.event_window"))

    def _start(self, config, *arguments, environment=None):
        return subprocess.Popen([self.binaries / "evd", "--config", config, *arguments], stdin=subprocess.DEVNULL,
                                env={**os.environ, **(environment or {})})

    def _wait_until_ready(self, name, process):
        socket = self.directory / name / "evd.sock"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            ready = subprocess.run(["curl", "-sf", "-o", "/dev/null", "--unix-socket", socket, "http://evd/readyz"])
            if ready.returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError(f"evd ({name}) did not become ready")

    @staticmethod
    def _stop(process):
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
