"""Links to the nodes that share words, found by a query as one would first write it."""

import re
from collections import defaultdict
from decimal import Decimal

from django.db.models import Q

from plain_drf.models import Node, NodeLink

WORD = re.compile("[一-鿿]{2,}|[゠-ヿ]{2,}|[A-Za-z]{3,}")


def link(node):
    words = set(WORD.findall(f"{node.title}\n{node.context}"))
    place = Q(project=node.project) | Q(project=None) if node.project else Q()
    others = Node.objects.filter(place, owner=node.owner, deleted_at=None).exclude(pk=node.pk)
    condition = Q()
    for word in words:
        condition |= Q(title__icontains=word) | Q(context__icontains=word)
    shared = defaultdict(list)
    for other in others.filter(condition) if words else ():
        text = f"{other.title}\n{other.context}".lower()
        shared[other.pk] = [word for word in words if word.lower() in text]
    most = sorted(shared, key=lambda id: len(shared[id]), reverse=True)[:10]
    NodeLink.objects.bulk_create(
        NodeLink(
            owner=node.owner,
            from_node=node,
            to_node_id=id,
            weight=Decimal(min(10, 2 * len(shared[id]))) / 10,
            origin="automatic",
            reason=", ".join(shared[id]),
        )
        for id in most
    )
