from typing import Any

from django.core.paginator import EmptyPage, Page, Paginator
from django.utils.translation import gettext_lazy as _
from rest_framework import pagination
from rest_framework.exceptions import NotFound

from apps.core.errors import ApiError, invalid


class PageNumberPagination(pagination.PageNumberPagination):
    """Pages of 50, or of `page_size` up to 100; a page that is no number is the client's mistake, not a 404."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 100
    # Of a page's number, and of its size before that is cut down to the most.
    digits = 9

    def get_schema_operation_parameters(self, view):
        parameters = super().get_schema_operation_parameters(view)
        limits = {"minimum": 1, "maximum": 10**self.digits - 1}
        return [{**parameter, "schema": {**parameter["schema"], **limits}} for parameter in parameters]

    def paginate_queryset(self, queryset, request, view=None):
        for name in (self.page_query_param, self.page_size_query_param):
            given = request.query_params.get(name, "1")
            if not (given.isascii() and given.isdigit() and len(given) <= self.digits and int(given) > 0):
                raise invalid(name, _("Use a whole number from 1 on."))
        try:
            return super().paginate_queryset(queryset, request, view)
        except NotFound as error:
            # The page is what is missing, not the object that the view is about.
            raise ApiError("RES_006", _("There is no such page.")) from error


class OnePassPaginator(Paginator):
    """Of a function that answers from `start` to `stop`, and says along with it how many there are in all."""

    object_list: Any

    def page(self, number) -> Page:
        number = int(number)
        start = (number - 1) * self.per_page
        found, self.count = self.object_list(start, start + self.per_page)
        if start and not found:
            raise EmptyPage
        return Page(found, number, self)


class OnePassPagination(PageNumberPagination):
    django_paginator_class = OnePassPaginator
