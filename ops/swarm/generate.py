"""Writes ops/swarm/stack.yml, for `docker stack deploy`, from docker-compose.prod.yml; `make swarm` runs it.

Of each service of production every key is taken over as it is, translated, or left out for a reason that stands here. A
service, a key or a folder that this file does not know stops it, so that nothing of production is lost in silence.
"""

import ast
import copy
import hashlib
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = ROOT / "docker-compose.prod.yml"
STACK = ROOT / "ops" / "swarm" / "stack.yml"
SETTINGS = ROOT / "backend" / "thinkring" / "settings.py"

HEAD = """\
# Generated from docker-compose.prod.yml by ops/swarm/generate.py: change one of those, then run `make swarm`.
# ops/swarm/deploy.sh deploys it, part by part, and sets what it interpolates.
"""

TAKEN_OVER = {
    "cap_add", "cap_drop", "command", "entrypoint", "image", "init", "logging", "read_only",
    "stop_grace_period", "user",
}  # fmt: skip

LEFT_OUT = {
    "depends_on": "Swarm has no order: who needs another one waits for it, and deploy.sh starts the parts one by one",
    "restart": "`always` is Swarm's default; what has `no` runs once, as a job",
    "security_opt": "`docker stack deploy` ignores it: no-new-privileges is set for a node's engine, in daemon.json",
}

# Services of production that the stack does not have.
LEFT_OUT_SERVICES = {
    "certificate": "nginx's pair are secrets, which a deploy refuses to go without",
}

# What is mounted from the checkout, which only one node has: configs and secrets go to all; a volume is a node's own.
SECRET_FILES = {
    "./nginx/ssl": {"certificate": "cert.pem", "certificate_key": "key.pem"},
}
CONFIG_FILES = {
    "./nginx/nginx.conf": {"nginx/nginx.conf": ""},
    "./nginx/domain": {"nginx/domain/page.names": "page.names", "nginx/domain/api.names": "api.names"},
    "./ops/wal": {f"ops/wal/{name}": name for name in ("archive.sh", "receive.sh")},
    "${DATABASE_CA:-/dev/null}": {"ops/state/swarm/ca.pem": ""},
}
# Of these git knows nothing: they are the operator's own, and deploy.sh names them after their digests.
OWN = {"nginx/domain/page.names", "nginx/domain/api.names", "ops/state/swarm/ca.pem"}
VOLUMES = {
    "./backups": "backups",
}
LEFT_OUT_FOLDERS = {
    "./nginx/acme": "one node would be asked for what another one has: the certificate comes by a challenge in the DNS",
}

# By the name of the variable. Django and the image of PostgreSQL read NAME_FILE.
BACKEND_SECRETS = [
    "SECRET_KEY", "JWT_SECRET_KEY", "DB_PASSWORD", "DATABASE_URL", "DATABASE_REPLICA_URL", "EMAIL_HOST_PASSWORD",
    "REDIS_PASSWORD", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY",
]  # fmt: skip
SECRETS = {"POSTGRES_PASSWORD": "db_password"} | {name: name.lower() for name in BACKEND_SECRETS}
# What the backend reads and .env.production does not say.
LEFT_OUT_SETTINGS = {
    "COMMIT": "the image says it",
    "SQLITE_PATH": "of development",
}
# A blank is nothing to the backend; gunicorn itself reads this one too, and ends at a blank.
DEFAULTS = {"WEB_CONCURRENCY": "2"}
# Those that read no file: their shell does it for them, before this command, where it is the image's own.
READ_BY_SHELL = {"redis": None, "pgbouncer": ["sh", "-euc", "exec sh /start.sh"]}
# Who reads them: the image's user.
USERS = {"backend": "1000", "frontend": "1000", "pgbouncer": "1000"}

WEB = {"placement": {"constraints": ["node.labels.thinkring.web == true"]}}
DATABASE = {"placement": {"constraints": ["node.labels.thinkring.database == true"]}}
# The new one is healthy before an old one is stopped, and after it nginx has the time to forgive an address that has
# refused (fail_timeout in nginx.conf).
ONE_BY_ONE = {"parallelism": 1, "order": "start-first", "delay": "12s", "monitor": "15s"}
# Whose port or volume can be had by one at a time.
IN_PLACE = ONE_BY_ONE | {"order": "stop-first"}


def updated(how):
    return {"update_config": how | {"failure_action": "rollback"}, "rollback_config": how}


def job(mode, condition):
    """Runs once: on one node, or on each."""
    return {"mode": mode, "restart_policy": {"condition": condition}}


DEPLOY = {
    "nginx": {"mode": "global"} | WEB | updated(IN_PLACE),
    "frontend": {"replicas": "${FRONTENDS:-2}"} | WEB | updated(ONE_BY_ONE),
    "backend": {"replicas": "${BACKENDS:-2}"} | WEB | updated(ONE_BY_ONE),
    "db": DATABASE | updated(IN_PLACE),
    "backups": DATABASE | job("replicated-job", "on-failure"),
    "wal": DATABASE | updated(IN_PLACE),
    "pgbouncer": WEB | updated(ONE_BY_ONE),
    "redis": WEB | updated(IN_PLACE),
}
# Compose only says who is not healthy, Swarm ends it: of a machine that is busy that would be too early after seconds.
# What to ask stands in production or in the image.
PATIENT = {"timeout": "10s", "retries": 6}
# What Swarm keeps free for each, so that it does not put all on one node: what they take when little is asked of them.
RESERVED = {"nginx": "32m", "frontend": "64m", "backend": "256m", "db": "256m", "pgbouncer": "16m", "redis": "32m"}


def digest(file):
    """Of what is in a file, for the name of its config, since a config cannot be changed."""
    return hashlib.sha256((ROOT / file).read_bytes()).hexdigest()[:12]


def settings_read():
    """The names of all settings that the backend reads, as they stand in its settings.py."""
    calls = [node for node in ast.walk(ast.parse(SETTINGS.read_text())) if isinstance(node, ast.Call)]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
    }


def in_bytes(text):
    number, unit = re.fullmatch(r"(\d+)([mg])", text).groups()
    return int(number) * {"m": 1024**2, "g": 1024**3}[unit]


class Stack:
    def __init__(self, production):
        self.services, self.secrets, self.configs, self.volumes = {}, {}, {}, {}
        for name, service in production["services"].items():
            if name not in LEFT_OUT_SERVICES:
                self.services[name] = self.service(name, service)
        self.add_jobs()
        self.networks = {
            "default": {"driver": "overlay"},
            **{name: {"driver": "overlay"} | options for name, options in production["networks"].items()},
        }
        self.volumes |= {name: options or {} for name, options in production["volumes"].items()}

    def service(self, name, production):
        if name not in DEPLOY:
            sys.exit(f"generate.py: {PRODUCTION.name} has a new service, {name}: say in DEPLOY how Swarm is to run it.")
        known = TAKEN_OVER | LEFT_OUT.keys() | {"healthcheck"}
        service = {key: value for key, value in production.items() if key in TAKEN_OVER}
        service["deploy"] = {"mode": "replicated", "endpoint_mode": "dnsrr"} | DEPLOY[name]
        if not DEPLOY[name].get("mode", "").endswith("job"):
            service["healthcheck"] = production.get("healthcheck", {}) | PATIENT
        if RESERVED.get(name):
            self.resources(service, "reservations")["memory"] = RESERVED[name]
        for key, value in production.items():
            if key in known:
                continue
            # By name, so that a key without a method is one that nobody has thought of.
            translate = getattr(self, f"translate_{key}", None)
            if not translate:
                sys.exit(f"generate.py: {PRODUCTION.name} has a new key, {key} of {name}: say what Swarm makes of it.")
            translate(name, service, value)
        if name in READ_BY_SHELL:
            self.read_secrets_by_shell(service, READ_BY_SHELL[name])
        return service

    def resources(self, service, kind):
        return service["deploy"].setdefault("resources", {}).setdefault(kind, {})

    def translate_build(self, name, service, _):
        # They are built before, and are on the nodes or in a registry.
        service["image"] = f"${{IMAGES:-thinkring}}_{name}:${{COMMIT:?Set it to the commit of the images.}}"

    def translate_mem_limit(self, name, service, value):
        self.resources(service, "limits")["memory"] = value

    def translate_cpus(self, name, service, value):
        self.resources(service, "limits")["cpus"] = str(value)

    def translate_pids_limit(self, name, service, value):
        self.resources(service, "limits")["pids"] = value

    def translate_shm_size(self, name, service, value):
        self.mount(service, self.tmpfs("/dev/shm", value))  # noqa: S108

    def translate_tmpfs(self, name, service, value):
        for text in value:
            target, _, size = text.partition(":size=")
            self.mount(service, self.tmpfs(target, size))

    def tmpfs(self, target, size=""):
        return {"type": "tmpfs", "target": target} | ({"tmpfs": {"size": in_bytes(size)}} if size else {})

    def mount(self, service, volume):
        service.setdefault("volumes", []).append(volume)

    def translate_profiles(self, name, service, value):
        # deploy.sh sets it for each name in COMPOSE_PROFILES.
        service["deploy"]["replicas"] = f"${{{value[0].upper()}_REPLICAS:-0}}"

    def translate_network_mode(self, name, service, value):
        # Swarm has no service without a network; this one has no way out.
        service["networks"] = ["database"]

    def translate_networks(self, name, service, value):
        service["networks"] = value

    def translate_deploy(self, name, service, value):
        if value.keys() != {"replicas"}:
            sys.exit(f"generate.py: {PRODUCTION.name} has more than replicas in deploy of {name}: take it over.")
        # For one machine one is enough; here DEPLOY may have said more.
        service["deploy"].setdefault("replicas", value["replicas"])

    def translate_ports(self, name, service, value):
        # Of the node itself: through Swarm's own distribution every visitor would have the address of a node.
        service["ports"] = [
            {"target": int(target), "published": published, "mode": "host"}
            for published, target in (port.rsplit(":", 1) for port in value)
        ]

    def translate_env_file(self, name, service, _):
        # Not .env.production: what is in it would stand in the description of the service, secrets too.
        names = sorted(settings_read() - LEFT_OUT_SETTINGS.keys() - SECRETS.keys())
        service.setdefault("environment", {}).update(
            {variable: f"${{{variable}:-{DEFAULTS.get(variable, '')}}}" for variable in names}
        )
        for secret in BACKEND_SECRETS:
            self.add_secret(name, service, secret)

    def translate_environment(self, name, service, value):
        variables = dict(item.split("=", 1) for item in value)
        for variable in variables:
            if variable in SECRETS:
                self.add_secret(name, service, variable)
        # As with compose, what stands there is above what the file says.
        service.setdefault("environment", {}).update(
            {key: text for key, text in variables.items() if key not in SECRETS}
        )

    def add_secret(self, name, service, variable):
        secret = SECRETS[variable]
        service.setdefault("environment", {})[f"{variable}_FILE"] = f"/run/secrets/{secret}"
        self.give_secret(service, secret, secret, USERS.get(name) or service["user"].split(":")[0])

    def give_secret(self, service, secret, target, user):
        entry = {"source": secret, "target": target, "uid": user, "gid": user, "mode": 0o400}
        if entry not in service.setdefault("secrets", []):
            service["secrets"].append(entry)
        # By another name it is another one, so that one can be exchanged.
        variable = f"{secret.upper()}_SECRET"
        self.secrets[secret] = {"external": True, "name": f"${{{variable}:-thinkring_{secret}}}"}

    def read_secrets_by_shell(self, service, command):
        files = {name: path for name, path in service["environment"].items() if name.endswith("_FILE")}
        rest = {name: text for name, text in service.pop("environment").items() if name not in files}
        service |= {"environment": rest} if rest else {}
        names = {name.removesuffix("_FILE"): path for name, path in files.items()}
        read = "".join(f'{name}="$$(cat {path})"; export {name}; ' for name, path in names.items())
        *shell, script = command or service["command"]
        service["command"] = [*shell, read + script]
        if "test" in service["healthcheck"]:
            form, script = service["healthcheck"]["test"]
            service["healthcheck"] = service["healthcheck"] | {"test": [form, read + script]}

    def translate_volumes(self, name, service, value):
        for text in value:
            source, target, read_only = re.fullmatch(r"(.+?):(/[^:]*)(:ro)?", text).groups()
            if source in SECRET_FILES:
                for secret, file in SECRET_FILES[source].items():
                    self.give_secret(service, secret, f"{target}/{file}", "0")
            elif source in CONFIG_FILES:
                for file, name_in_folder in CONFIG_FILES[source].items():
                    self.give_config(service, file, f"{target}/{name_in_folder}".rstrip("/"))
            elif source in LEFT_OUT_FOLDERS:
                continue
            elif source.startswith(".") and source not in VOLUMES:
                sys.exit(f"generate.py: {name} has a new folder, {source}: say where the other nodes have it from.")
            else:
                volume = VOLUMES.get(source, source)
                if source in VOLUMES:
                    self.volumes[volume] = {}
                mount = {"type": "volume", "source": volume, "target": target}
                self.mount(service, mount | ({"read_only": True} if read_only else {}))

    def give_config(self, service, file, target):
        key = Path(file).name
        service.setdefault("configs", []).append({"source": key, "target": target, "mode": 0o444})
        if file in OWN:
            number = f"${{{key.upper().replace('.', '_')}_DIGEST:?Set it to the digest of {file}.}}"
        else:
            number = digest(file)
        self.configs[key] = {"file": f"../../{file}", "name": f"thinkring_{key}_{number}"}

    def add_jobs(self):
        """What compose has no need of: what a deploy, or a node that joins, has to have done once."""
        backend, frontend = self.services["backend"], self.services["frontend"]
        once = {"healthcheck": {"disable": True}}

        def deploy(service, how):
            return {"deploy": {"resources": service["deploy"]["resources"], "endpoint_mode": "dnsrr"} | how}

        unwanted = {"stop_grace_period", "volumes"}
        bare = {key: value for key, value in backend.items() if key not in unwanted}
        tmp = self.tmpfs("/tmp")  # noqa: S108
        static = {"type": "volume", "source": "static_files"}

        self.services["schema"] = copy.deepcopy(bare) | once | deploy(backend, WEB | job("replicated-job", "none")) | {
            "command": ["sh", "-euc", 'exec python - "$$0" </schema.py', "${SCHEMA_STEP:-look}"],
            "volumes": [tmp],
        }  # fmt: skip
        self.give_config(self.services["schema"], "ops/schema/schema.py", "/schema.py")
        publish = WEB | job("global-job", "on-failure")
        self.services["static-backend"] = bare | once | deploy(backend, publish) | {
            "command": ["python", "manage.py", "publish_static", "build/static"],
            "volumes": [tmp, static | {"target": "/app/staticfiles"}],
        }  # fmt: skip
        self.services["static-frontend"] = frontend | once | deploy(frontend, publish) | {
            "command": ["node", "publish.js"],
        }  # fmt: skip

    def as_data(self):
        return {
            "version": "3.9", "services": self.services, "networks": self.networks, "secrets": self.secrets,
            "configs": self.configs, "volumes": self.volumes,
        }  # fmt: skip


class Dumper(yaml.SafeDumper):
    """As yamllint wants it: what is in a list stands further in; nothing is said by an anchor."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data):
        return True


def text():
    data = Stack(yaml.safe_load(PRODUCTION.read_text())).as_data()
    return HEAD + yaml.dump(data, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)


if __name__ == "__main__":
    STACK.write_text(text())
