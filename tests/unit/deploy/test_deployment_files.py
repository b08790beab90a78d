"""What deploy/ names exists: files, ports, variables and modules. No container engine is needed."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return found


def _dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def test_every_file_that_is_copied_or_mounted_exists(services: dict[str, dict[str, Any]]) -> None:
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", _dockerfile(), re.MULTILINE) for name in line.split()]
    assert "app.py" in copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    seen = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) <= seen
    mounted = [volume.split(":")[0] for volume in services["proxy"]["volumes"]]
    included = re.findall(r"include (\S+);", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
    assert sorted(mounted) == sorted(f"./{name}" for name in {"nginx.conf", *included})
    assert [name for name in mounted if not (DEPLOY / name).is_file()] == []
    assert services["app-1"]["build"]["dockerfile"] == "deploy/Dockerfile"


def test_the_proxy_knows_every_app_process_and_its_port(services: dict[str, dict[str, Any]]) -> None:
    servers = re.findall(r"^server (\S+):(\d+) ", (DEPLOY / "apps.conf").read_text(encoding="utf-8"), re.MULTILINE)
    port = re.findall(r"^EXPOSE (\d+)$", _dockerfile(), re.MULTILINE)
    assert len(servers) >= 2
    assert {name for name, _ in servers} == {name for name in services if name.startswith("app-")}
    assert {number for _, number in servers} == set(port) == {"8501"}
    assert f"http://127.0.0.1:{port[0]}/_stcore/health" in _dockerfile()
    outside = services["proxy"]["ports"][0].rpartition(":")[2]
    assert f"listen {outside};" in (DEPLOY / "nginx.conf").read_text(encoding="utf-8")


def test_every_variable_is_one_that_the_project_or_streamlit_reads(services: dict[str, dict[str, Any]]) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "dpcore").rglob("*.py"))
    named = {name for service in services.values() for name in service.get("environment", {})}
    named |= set(re.findall(r"\b(PINCH_\w+|STREAMLIT_\w+)=", _dockerfile()))
    assert {"PINCH_LAB", "PINCH_LAB_SCHEDULER"} <= named
    assert [name for name in named if name.startswith("PINCH_") and f'"{name}"' not in sources] == []
    import streamlit.config as config

    options = {
        "STREAMLIT_" + re.sub(r"(?<!^)([A-Z])|\.", _environment, key).upper() for key in config._config_options_template
    }
    assert [name for name in named if name.startswith("STREAMLIT_") and name not in options] == []


def _environment(found: re.Match[str]) -> str:
    return f"_{found[1] or ''}"


def test_every_module_that_a_container_starts_can_be_started(services: dict[str, dict[str, Any]]) -> None:
    commands = [list(service["command"]) for service in services.values() if "command" in service]
    modules = [command[command.index("-m") + 1] for command in commands]
    assert len(modules) == 2
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []
    preloads = [word.partition("=")[2] for command in commands for word in command if word.startswith("--preload=")]
    assert [name for name in preloads if importlib.util.find_spec(name) is None] == []


def test_only_the_proxy_can_be_reached_from_outside(services: dict[str, dict[str, Any]]) -> None:
    whole = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    outward = {name for name, network in whole["networks"].items() if not (network or {}).get("internal")}
    assert {name for name, service in services.items() if outward & set(service["networks"])} == {"proxy"}
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
    assert set(services["scheduler"]["networks"]) == {"lab"}
    assert "\nUSER pinch\n" in _dockerfile()
