"""Links between nodes: those that a person makes, and those that arise by themselves when a node is saved.

Two nodes are tied by the words that both have, a word counting the less the more nodes mention it, and by having arisen
in the same step. A node's words are those of its title and of the beginning of its context.
"""

import re
import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Left
from django.utils import timezone

from apps.thinking.english import singular
from apps.thinking.folding import bigrams, fold
from apps.thinking.keywords import KANJI, terms
from apps.thinking.models import Node, NodeLink

LINKS = 10  # arise from one node at most
# A word counts the less the more nodes mention it, from so many on; one of more than COMMON leads from none to another.
RARE = 10
COMMON = 50
CONTEXT = 2_000  # characters of a context that are looked at
WORDS = 60  # words of a node that are sought in others
CANDIDATES = 50  # nodes, those with most of the words, that are compared with it
NEIGHBOURS = 10  # nodes of the same step, the youngest, that are compared with it as well
REASON = 5  # words that a link names

# Of one shared word, by the number of the two titles that it stands in.
STRENGTHS = (0.2, 0.4, 0.6)
SAME_STEP = 0.1

ONLY_KANJI = re.compile(f"{KANJI}+")


class IdTaken(ValueError):
    """Another link has the id that the client chose."""


# Each word, as it is written, by the form in which it is compared.
Words = dict[str, str]


class Text(NamedTuple):
    title: Words
    all: Words


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
    pair = NodeLink.objects.filter(
        Q(from_node=from_node, to_node=to_node) | Q(from_node=to_node, to_node=from_node)
    ).select_for_update(no_key=True)
    with transaction.atomic():
        found = pair.first()
        if found is None:
            new = NodeLink(id=id or uuid.uuid4(), owner_id=from_node.owner_id, from_node=from_node, to_node=to_node)
            new.weight = weight or new.weight
            # Another request may make it at the same time.
            NodeLink.objects.bulk_create([new], ignore_conflicts=True)
            found = pair.first()
            if found is None:
                raise IdTaken
            if found.pk == new.pk:
                return found, True
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
    links = {
        link.to_node_id if link.from_node_id == node.pk else link.from_node_id: link
        for link in NodeLink.objects.filter(Q(from_node=node) | Q(to_node=node))
    }
    arisen = {id: link for id, link in links.items() if link.origin == link.Origin.AUTOMATIC and not link.removed_at}
    ties = _ties(node, arisen)
    wanted = [tie for id, tie in ties.items() if tie and tie.tenths and not (id in links and links[id].removed_at)]
    strongest = {tie.id: tie for tie in sorted(wanted, reverse=True)[:LINKS]}

    groundless, changed = [], []
    # Without those to nodes in the trash, which wait there with them.
    for id in arisen.keys() & ties.keys():
        link, tie = arisen[id], ties[id]
        if not tie or (link.from_node_id == node.pk and id not in strongest):
            groundless.append(link.pk)
        elif (link.weight, link.reason) != (tie.weight, tie.reason):
            link.weight, link.reason = tie.weight, tie.reason
            link.version += 1
            link.updated_at = timezone.now()
            changed.append(link)
    new = [
        NodeLink(
            owner_id=node.owner_id,
            from_node=node,
            to_node_id=id,
            weight=tie.weight,
            origin=NodeLink.Origin.AUTOMATIC,
            reason=tie.reason,
        )
        for id, tie in strongest.items()
        if id not in links
    ]
    with transaction.atomic():
        if groundless:
            NodeLink.objects.filter(pk__in=groundless).delete()
        if changed:
            NodeLink.objects.bulk_update(changed, ["weight", "reason", "version", "updated_at"])
        # The other node may be saved at the same time, and make the same link.
        NodeLink.objects.bulk_create(new, ignore_conflicts=True)


def _ties(node: Node, linked: Iterable[uuid.UUID]) -> dict[uuid.UUID, Tie | None]:
    """By their ids, the nodes that may be tied to this one, and those that are linked to it by themselves."""
    text = _text(node.title, node.context)
    mentions = _mentions(node, list(text.all)[:WORDS])
    points: dict[uuid.UUID, float] = {}
    for ids in mentions.values():
        for id in ids if len(ids) <= COMMON else ():
            points[id] = points.get(id, 0) + 1 / len(ids)
    candidates = {*sorted(points, key=lambda id: (points[id], id), reverse=True)[:CANDIDATES], *linked}
    if node.step_id:
        same_step = Node.objects.kept().filter(step=node.step_id).exclude(pk=node.pk).order_by("-created_at", "-pk")
        candidates.update(same_step.values_list("pk", flat=True)[:NEIGHBOURS])

    others = Node.objects.owned_by(node.owner_id).kept().filter(pk__in=candidates)
    ties: dict[uuid.UUID, Tie | None] = {}
    for id, born, title, context, project, step in others.values_list(
        "pk", "created_at", "title", Left("context", CONTEXT), "project", "step"
    ):
        shared = _shared(text, _text(title, context), mentions)
        strength = sum(shared.values()) + SAME_STEP * (step is not None and step == node.step_id)
        words = sorted(shared, key=lambda word: -shared[word])[:REASON]
        # A global node belongs to every project.
        apart = project != node.project_id and project and node.project_id
        ties[id] = None if apart or not strength else Tie(strength, born, id, ", ".join(words))
    return ties


def _shared(one: Text, other: Text, mentions: dict[str, list]) -> dict[str, float]:
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


def _mentions(node: Node, words: list[str]) -> dict[str, list[uuid.UUID]]:
    """For each word the other nodes in which it stands, of those that the node may be linked to.

    Of a word that is too common there are as many as show it.
    """
    scope = Node.objects.owned_by(node.owner_id).kept().exclude(pk=node.pk)
    if node.project_id:
        scope = scope.filter(Q(project=node.project_id) | Q(project=None))
    if connection.vendor != "postgresql":
        return {
            word: list(scope.filter(folded__contains=word).values_list("pk", flat=True)[: COMMON + 1]) for word in words
        }
    sql, parameters = scope.order_by().values("id").query.sql_with_params()
    mentions: dict[str, list[uuid.UUID]] = {word: [] for word in words}
    with connection.cursor() as cursor:
        # One question for all words. The pairs of characters are made here: the index's function takes a millisecond.
        cursor.execute(
            f"""
            SELECT word, found.id
            FROM unnest(%s::text[], %s::text[]) AS sought (word, pairs)
            CROSS JOIN LATERAL (
                {sql}
                AND thinking_bigrams(thinking_node.folded) @> string_to_array(pairs, ' ')
                AND strpos(thinking_node.folded, word) > 0
                LIMIT {COMMON + 1}
            ) AS found
            """,  # noqa: S608
            [words, [" ".join(bigrams(word)) for word in words], *parameters],
        )
        for word, id in cursor:
            mentions[word].append(id)
    return mentions
