from django.http import Http404
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation


class ForgivingNegotiation(DefaultContentNegotiation):
    """Answers in the view's first format whoever asks for one it does not have, since errors are JSON anyway."""

    def select_renderer(self, request, renderers, format_suffix=None):
        if len(renderers) == 1:
            # Whatever is asked for.
            return renderers[0], renderers[0].media_type
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except (NotAcceptable, Http404):
            return renderers[0], renderers[0].media_type
