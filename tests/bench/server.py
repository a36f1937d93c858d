"""A private PostgreSQL with evd's schema, started by `evd --embedded`, and what scenarios need of it."""
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

SETTINGS = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "wal_level")


class Server:
    """Hosts no handlers: scenarios start daemons of their own with `daemon()`."""

    def __init__(self, binaries):
        self.binaries = pathlib.Path(binaries)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="evd-bench-"))
        self.directory.chmod(0o755)
        self.process = None
        self.url = None

    def __enter__(self):
        config = self.write_config("server", 'hosts = []', "")
        self.process = self._start(config, f"--embedded={self.directory}/pg")
        try:
            self._wait_until_ready("server", self.process)
        except BaseException:
            self.__exit__()
            raise
        self.url = (self.directory / "pg" / "url").read_text().strip()
        return self

    def __exit__(self, *_):
        self._stop(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)

    def describe(self):
        return ", ".join(f"{name} {self.value(f'show {name}')}" for name in SETTINGS)

    def sql(self, text):
        """Runs statements, each its own transaction; returns what they print, unaligned."""
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url], input=text, text=True,
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

    def write_config(self, name, daemon_keys, rest):
        state = self.directory / name
        state.mkdir(exist_ok=True)
        path = self.directory / f"{name}.toml"
        path.write_text(f'[daemon]\nlisten = ["unix:{state}/evd.sock"]\nstate_dir = "{state}"\n'
                        f'log_level = "error"\n{daemon_keys}\n{rest}\n')
        return path

    def apply(self, config):
        subprocess.run([self.binaries / "evctl", "--config", config, "--database", self.url, "apply"], check=True,
                       stdout=subprocess.DEVNULL)

    def daemon(self, name, config):
        """A running daemon, to be stopped with stop()."""
        process = self._start(config, "--database", self.url)
        self._wait_until_ready(name, process)
        return process

    def stop(self, process):
        self._stop(process)

    def wait_until_drained(self):
        """Looks every 20 ms whether nothing is left to run."""
        self.sql("do $$ begin while evd.has_outstanding() loop commit; perform pg_sleep(0.02); end loop; end $$;")

    def _start(self, config, *arguments):
        return subprocess.Popen([self.binaries / "evd", "--config", config, *arguments], stdin=subprocess.DEVNULL)

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
