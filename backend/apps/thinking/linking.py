"""Links between nodes: those that a person makes, and those that arise by themselves when a node is saved.

Two nodes are tied by the words that both have, a word counting the less the more nodes mention it, and by having arisen
in the same step. A node's words are those of its title and of the beginning of its context.
"""

import re
import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain, groupby
from typing import NamedTuple

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Left
from django.utils import timezone

from apps.core.prepared import Prepared
from apps.thinking.english import singular
from apps.thinking.folding import FEW, bigrams, by_index, fold
from apps.thinking.keywords import KANJI, terms
from apps.thinking.models import Node, NodeLink

LINKS = 10  # arise from one node at most
# A word counts the less the more nodes mention it, from so many on; one of more than COMMON leads from none to another.
RARE = 10
COMMON = 50
CONTEXT = 2_000  # characters of a context that are looked at
WORDS = 60  # words of a node that are sought in others
SCANNED = 1_000  # nodes that are looked through for a word sooner than an index of all nodes is asked for it
CANDIDATES = 50  # nodes, those with most of the words, that are compared with it
NEIGHBOURS = 10  # nodes of the same step, the youngest, that are compared with it as well
REASON = 5  # words that a link names
TOGETHER = 100  # nodes are linked at once
REMEMBERED = 10_000  # words, of which is known where they stand in global nodes

# Of one shared word, by the number of the two titles that it stands in.
STRENGTHS = (0.2, 0.4, 0.6)
SAME_STEP = 0.1

ONLY_KANJI = re.compile(f"{KANJI}+")

# One more, since the node itself may be among them.
YOUNGEST = Prepared(
    lambda step: (
        Node.objects.kept().filter(step=step).order_by("-created_at", "-pk").values_list("pk")[: NEIGHBOURS + 1]
    )
)


class IdTaken(ValueError):
    """Another link has the id that the client chose."""


# Each word, as it is written, by the form in which it is compared.
Words = dict[str, str]
# For each word the nodes in which it stands. Of one that is too common there are as many as show it.
Mentions = dict[str, list[uuid.UUID]]
# For each node its links, by the node at the other end.
Links = dict[uuid.UUID, dict[uuid.UUID, NodeLink]]


class Text(NamedTuple):
    title: Words
    all: Words


class Other(NamedTuple):
    id: uuid.UUID
    born: datetime
    project: uuid.UUID | None
    step: uuid.UUID | None
    text: Text


class Tie(NamedTuple):
    strength: float
    born: datetime  # of two that are as strong, the one to the younger node comes first
    id: uuid.UUID
    reason: str

    @property
    def tenths(self) -> int:
        return min(10, round(self.strength * 10))

    @property
    def weight(self) -> Decimal:
        return Decimal(max(1, self.tenths)) / 10


def link(from_node: Node, to_node: Node, weight: Decimal | None = None, id: uuid.UUID | None = None):
    """The link that a person makes, and whether there was none; one that arose by itself becomes theirs.

    By its own id a removed one comes back as it was.
    """
    both_ways = Q(from_node=from_node, to_node=to_node) | Q(from_node=to_node, to_node=from_node)
    pair = NodeLink.objects.filter(both_ways).select_for_update(no_key=True)
    if id and NodeLink.objects.filter(~both_ways, pk=id).exists():
        raise IdTaken
    with transaction.atomic():
        found = pair.first()
        if found is None:
            new = NodeLink(id=id or uuid.uuid4(), owner_id=from_node.owner_id, from_node=from_node, to_node=to_node)
            new.weight = weight or new.weight
            try:
                with transaction.atomic():
                    new.save(force_insert=True)
                return new, True
            except IntegrityError as error:
                # Another request made it at the same time, or took the id after the look above.
                found = pair.first()
                if found is None:
                    raise IdTaken from error
        removed = found.removed_at is not None
        if removed and found.pk == id and weight is None:
            found.removed_at = None
            found.save()
        elif removed or found.origin == NodeLink.Origin.AUTOMATIC:
            if removed:
                found.weight = NodeLink._meta.get_field("weight").get_default()
            found.removed_at = None
            weigh(found, weight or found.weight)
        return found, removed


def weigh(link: NodeLink, weight: Decimal) -> None:
    """A link that a person has weighed is theirs from then on."""
    link.weight, link.origin, link.reason = weight, NodeLink.Origin.MANUAL, ""
    link.save()


def remove(link: NodeLink) -> None:
    link.removed_at = timezone.now()
    link.save()


def relink(node: Node) -> None:
    """Makes the node's automatic links those that its words and its step now give reason for.

    From it lead links to the nodes that it is tied to most; those that lead to it, from nodes that are tied to it most,
    stay as long as there is a reason. What a person made or removed stays as it is.
    """
    _relink_one(node, _links([node.pk]))


def link_new(node: Node) -> None:
    """The same for one that was just made, and has no links yet."""
    _relink_one(node, {node.pk: {}})


def _relink_one(node: Node, links: Links) -> None:
    text = _text(node.title, node.context)
    scope = Node.objects.owned_by(node.owner_id).kept()
    if node.project_id:
        scope = scope.filter(Q(project=node.project_id) | Q(project=None))
    indexed = scope.order_by()[: SCANNED + 1].count() > SCANNED
    _relink([node], {node.pk: text}, {node.pk: _mentions(scope, _sought(text), indexed)}, links)


def relink_all(nodes: list[Node], known: Mentions) -> None:
    """The same for many nodes of one owner; those of a project stand together.

    Words are sought once for all nodes of a project, and in global nodes once for all projects: `known` is what was
    found there. It is empty at first, and again when a global node was written.
    """
    kept = Node.objects.owned_by(nodes[0].owner_id).kept()
    for start in range(0, len(nodes), TOGETHER):
        part = nodes[start : start + TOGETHER]
        texts = {node.pk: _text(node.title, node.context) for node in part}
        mentions: dict[uuid.UUID, Mentions] = {}
        for project, group in groupby(part, key=lambda node: node.project_id):
            ids = [node.pk for node in group]
            words = list(dict.fromkeys(chain(*(_sought(texts[id]) for id in ids))))
            if project is None:
                found = _mentions(kept, words)
            else:
                if len(known) > REMEMBERED:
                    known.clear()
                known.update(_mentions(kept.filter(project=None), [word for word in words if word not in known]))
                # The index would find a word in all projects of the owner first, and most of them have few nodes.
                own = _mentions(kept.filter(project=project), words, indexed=False)
                found = {word: own[word] + known[word] for word in words}
            mentions.update(dict.fromkeys(ids, found))
        _relink(part, texts, mentions, _links(texts))


def _relink(nodes: list[Node], texts: dict[uuid.UUID, Text], found: dict[uuid.UUID, Mentions], links: Links) -> None:
    mentions = {
        id: {word: [other for other in found[id][word] if other != id][: COMMON + 1] for word in _sought(text)}
        for id, text in texts.items()
    }
    neighbours = _neighbours(nodes)
    candidates = {node.pk: _candidates(mentions[node.pk]) | neighbours[node.pk] for node in nodes}
    others = _others(nodes[0].owner_id, set(chain(*candidates.values(), *links.values())) - texts.keys())
    for node in nodes:
        others[node.pk] = Other(node.pk, node.created_at, node.project_id, node.step_id, texts[node.pk])

    groundless: set[NodeLink] = set()
    changed: set[NodeLink] = set()
    new: list[NodeLink] = []
    for node in nodes:
        linked = links[node.pk]
        arisen = {
            id: link for id, link in linked.items() if link.origin == link.Origin.AUTOMATIC and not link.removed_at
        }
        ties = {
            id: _tie(node, texts[node.pk], others[id], mentions[node.pk])
            for id in candidates[node.pk] | arisen.keys()
            if id in others
        }
        removed = {id for id, link in linked.items() if link.removed_at}
        wanted = [tie for id, tie in ties.items() if tie and tie.tenths and id not in removed]
        strongest = {tie.id: tie for tie in sorted(wanted, reverse=True)[:LINKS]}
        # Without those to nodes in the trash, which wait there with them.
        for id in arisen.keys() & ties.keys():
            link, tie = arisen[id], ties[id]
            if not tie or (link.from_node_id == node.pk and id not in strongest):
                groundless.add(link)
                links.get(id, {}).pop(node.pk, None)
            elif (link.weight, link.reason) != (tie.weight, tie.reason):
                link.weight, link.reason = tie.weight, tie.reason
                link.updated_at = timezone.now()
                changed.add(link)
        for id, tie in strongest.items():
            if id in linked:
                continue
            link = NodeLink(owner_id=node.owner_id, from_node=node, to_node_id=id, origin=NodeLink.Origin.AUTOMATIC)
            link.weight, link.reason = tie.weight, tie.reason
            new.append(link)
            links.get(id, {})[node.pk] = link
    # Not what a person has weighed or removed since it was read.
    by_itself = NodeLink.objects.filter(origin=NodeLink.Origin.AUTOMATIC, removed_at=None)
    changed.difference_update(new)
    for link in changed:
        link.version = F("version") + 1
    with transaction.atomic(savepoint=False):
        if groundless:
            by_itself.filter(pk__in=[link.pk for link in groundless]).delete()
        if changed:
            by_itself.bulk_update(changed, ["weight", "reason", "version", "updated_at"])
        # The other node may be saved at the same time, and make the same link.
        NodeLink.objects.bulk_create(new, ignore_conflicts=True)


def _links(ids: Iterable[uuid.UUID]) -> Links:
    links: Links = {id: {} for id in ids}
    for link in NodeLink.objects.filter(Q(from_node__in=links) | Q(to_node__in=links)):
        for one, other in ((link.from_node_id, link.to_node_id), (link.to_node_id, link.from_node_id)):
            if one in links:
                links[one][other] = link
    return links


def _candidates(mentions: Mentions) -> set[uuid.UUID]:
    """The nodes that have most of the words."""
    points: dict[uuid.UUID, float] = {}
    for ids in mentions.values():
        for id in ids if len(ids) <= COMMON else ():
            points[id] = points.get(id, 0) + 1 / len(ids)
    return set(sorted(points, key=lambda id: (points[id], id), reverse=True)[:CANDIDATES])


def _neighbours(nodes: list[Node]) -> dict[uuid.UUID, set[uuid.UUID]]:
    """For each of the nodes the youngest others of its step."""
    of_step: dict[uuid.UUID | None, list[uuid.UUID]] = {
        step: [id for (id,) in YOUNGEST(step)] for step in {node.step_id for node in nodes if node.step_id}
    }
    return {node.pk: set([id for id in of_step.get(node.step_id, []) if id != node.pk][:NEIGHBOURS]) for node in nodes}


def _others(owner: uuid.UUID, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Other]:
    rows = Node.objects.owned_by(owner).kept().filter(pk__in=ids)
    columns = rows.values_list("pk", "created_at", "project", "step", "title", Left("context", CONTEXT))
    return {id: Other(id, born, project, step, _text(*texts)) for id, born, project, step, *texts in columns}


def _tie(node: Node, text: Text, other: Other, mentions: Mentions) -> Tie | None:
    # A global node belongs to every project.
    if other.project != node.project_id and other.project and node.project_id:
        return None
    shared = _shared(text, other.text, mentions)
    strength = sum(shared.values()) + SAME_STEP * (other.step is not None and other.step == node.step_id)
    words = sorted(shared, key=lambda word: -shared[word])[:REASON]
    return Tie(strength, other.born, other.id, ", ".join(words)) if strength else None


def _shared(one: Text, other: Text, mentions: Mentions) -> dict[str, float]:
    """The words that both have, each with what it adds to the strength of a tie."""
    keys = [key for key in one.all if key in other.all]
    return {
        one.all[key]: STRENGTHS[(key in one.title) + (key in other.title)]
        * min(1, RARE / len(mentions.get(key) or [None]))
        for key in keys
        # The part of a word that both have whole is not another word.
        if not any(key != longer and key in longer for longer in keys)
    }


def _text(title: str, context: str) -> Text:
    of_title = _words(title)
    return Text(of_title, {**_words(context[:CONTEXT]), **of_title})


# Of the others, which are compared again and again. Nobody changes what it gives.
@lru_cache(maxsize=500)
def _words(text: str) -> Words:
    words: Words = {}
    for term in terms(text):
        key = fold(term)
        if key.isascii():
            key = singular(key)
        elif ONLY_KANJI.fullmatch(key):
            # A compound of kanji is mostly made of pairs: 測定誤差 is about 誤差 too.
            for place in range(0, len(term) - 1, 2):
                words.setdefault(key[place : place + 2], term[place : place + 2])
        words.setdefault(key, term)
    return words


def _sought(text: Text) -> list[str]:
    return list(text.all)[:WORDS]


def _mentions(scope: QuerySet[Node], words: list[str], indexed: bool = True) -> Mentions:
    # One more than show that a word is too common: the node that it is sought for may be among them.
    enough = COMMON + 2
    if connection.vendor != "postgresql":
        return {word: list(scope.filter(folded__contains=word).values_list("pk", flat=True)[:enough]) for word in words}
    mentions: Mentions = {word: [] for word in words}
    if not words:
        return mentions
    sql, parameters = scope.order_by().values("id").query.sql_with_params()
    in_scope = f"{sql} AND STRPOS(thinking_node.folded, word) > 0"
    candidates, found = "", f"{in_scope} LIMIT {enough}"
    if indexed:
        # OFFSET 0: found once for each word, not once for each time that they are mentioned below.
        candidates = f"""
            CROSS JOIN LATERAL (
                SELECT array(
                    SELECT id FROM thinking_node
                    WHERE thinking_bigrams(folded) @> string_to_array(pairs, ' ')
                    LIMIT {FEW + 1}
                ) AS ids
                OFFSET 0
            ) AS candidates
        """  # noqa: S608
        found = f"""
            ({in_scope} AND cardinality(ids) <= {FEW} AND thinking_node.id = ANY (ids) LIMIT {enough})
            UNION ALL
            ({in_scope} AND cardinality(ids) > {FEW} LIMIT {enough})
        """
        parameters *= 2
    with by_index() if indexed else connection.cursor() as cursor:
        # One question for all words. The pairs of characters are made here: the index's function takes a millisecond.
        cursor.execute(
            f"""
            SELECT word, found.id
            FROM unnest(%s::text[], %s::text[]) AS sought (word, pairs)
            {candidates}
            CROSS JOIN LATERAL ({found}) AS found
            """,  # noqa: S608
            [words, [" ".join(bigrams(word)) for word in words], *parameters],
        )
        for word, id in cursor:
            mentions[word].append(id)
    return mentions
