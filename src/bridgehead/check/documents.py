"""Collections of documents: are they there, who finds nothing in them, and where do their texts go?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bridgehead.check.rule import Family, Rule
from bridgehead.declare import Deployment
from bridgehead.declare.collected import in_release
from bridgehead.declare.model import Collection
from bridgehead.kernel.finding import Finding

MISSING = Rule(
    id="BH-CHK-100",
    severity="block",
    title="A collection's folder is not there",
    why="Every search of it would fail.",
    fix="Make the folder, or correct `folder`.",
)
KEPT = Rule(
    id="BH-CHK-101",
    severity="warn",
    title="A collection's folder is part of the release",
    why="Every release keeps its files: a document that is deleted is still in the releases before, and each "
    "change of one is a new release.",
    fix="Keep documents that people write in a folder elsewhere: an absolute path, or `${NAME}`.",
)
WORDS_ALONE = Rule(
    id="BH-CHK-102",
    severity="info",
    title="A collection is searched by words alone",
    why="What is said in other words than the question's is not found (BM25, no vectors).",
    fix="Declare `embeddings`: an endpoint, or the small model of the extra `wordllama`.",
)
ELSEWHERE = Rule(
    id="BH-CHK-103",
    severity="block",
    title="A collection's embeddings run in a region this deployment may not use",
    why="The model is sent every passage and every query.",
    fix="Use one that runs in one of `regions`, or `wordllama`, which never leaves this machine.",
)
NO_RIGHTS = Rule(
    id="BH-CHK-104",
    severity="warn",
    title="The rights that come with a collection are not there",
    why="Until the file is there, every search of it is refused.",
    fix="Let the system the documents come from export it, or correct `access.file`.",
)
LEAVES = Rule(
    id="BH-CHK-105",
    severity="warn",
    title="An agent may ask a model in another region than the documents it finds",
    why="What it finds goes into what it asks the model.",
    fix="Give the agent a model in the collection's region, or a local one; or accept it knowingly.",
)
NOT_CLEARED = Rule(
    id="BH-CHK-106",
    severity="warn",
    title="An agent may search a collection and is not cleared for its tags",
    why="It finds nothing, whoever it acts for.",
    fix="List the tags under the agent's `tags`, or take the collection away from it.",
)


def look(d: Deployment) -> Iterator[Finding]:
    """Yield what keeps a collection from being searched well."""
    for name, collection in d.charter.collections.items():
        yield from _folder(d, name, collection)
        yield from _embeddings(d, name, collection)
        yield from _rights(d, name, collection)
    for agent in d.charter.agents:
        yield from _agent(d, agent)


def _folder(d: Deployment, name: str, collection: Collection) -> Iterator[Finding]:
    where = d.where("collections", name, "folder")
    if not collection.folder or collection.folder.startswith("$"):
        return
    if not (d.folder / collection.folder).is_dir():
        yield MISSING.found(f"There is no folder `{collection.folder}`.", where)
    elif in_release(collection.folder):
        yield KEPT.found(f"`{collection.folder}` lies in the deployment folder.", where)


def _embeddings(d: Deployment, name: str, collection: Collection) -> Iterator[Finding]:
    model = collection.embeddings
    if model is None:
        words = f"`{name}` declares no `embeddings`."
        yield WORDS_ALONE.found(words, d.where("collections", name))
    elif model.region != "local" and model.region not in d.charter.regions:
        where = d.where("collections", name, "embeddings", "region")
        yield ELSEWHERE.found(f"`{model.region}` is not among `regions`.", where)


def _rights(d: Deployment, name: str, collection: Collection) -> Iterator[Finding]:
    file = collection.access.file if collection.access else ""
    if file and not file.startswith("$") and not Path(d.folder / file).is_file():
        yield NO_RIGHTS.found(f"There is no file `{file}`.", d.where("collections", name, "access", "file"))


def _agent(d: Deployment, name: str) -> Iterator[Finding]:
    agent, charter = d.charter.agents[name], d.charter
    where = d.where("agents", name, "collections")
    for collection in agent.collections:
        declared = charter.collections[collection]
        missing = sorted(set(declared.tags) - set(agent.tags))
        if missing:
            yield NOT_CLEARED.found(f"Agent {name} lacks {', '.join(missing)} for `{collection}`.", where)
        for model in agent.models:
            region = charter.models[model].region
            if region not in ("local", declared.region) and declared.region != "local":
                words = f"Agent {name}: `{collection}` is in {declared.region}, model `{model}` in {region}."
                yield LEAVES.found(words, where)


FAMILY = Family(
    "Documents",
    (MISSING, KEPT, WORDS_ALONE, ELSEWHERE, NO_RIGHTS, LEAVES, NOT_CLEARED),
    look,
)
