"""The specification's own blocks, word for word."""

from pathlib import Path

DIRECTORY = Path(__file__).parents[1] / "fixtures" / "specification"
DOCUMENT = DIRECTORY / "deployment-spec.md"


def block(name):
    return (DIRECTORY / name).read_text()


def container_table():
    """The rows of chapter 2.2: service → (image, ports)."""
    chapter = DOCUMENT.read_text().split("## 2.2 ")[1].split("\n---")[0]
    rows = [line.strip("|").split("|") for line in chapter.splitlines() if line.startswith("|")][2:]
    return {
        service.strip(): (image.strip(), [port.strip() for port in ports.split(",")])
        for service, image, ports, _ in rows
    }
