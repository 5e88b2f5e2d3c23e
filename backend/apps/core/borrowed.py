"""Sentences of Django and its REST framework that they do not say in Japanese, or not well; our catalogue does."""

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext_lazy as ngettext

_("This field may not be null.")
_("Not a valid string.")
_("Must be a valid UUID.")
_("Ensure this field has no more than {max_length} characters.")
_("Null characters are not allowed.")
_("Surrogate characters are not allowed: U+{code_point:X}.")
_("Invalid data. Expected a dictionary, but got {datatype}.")
_('"{input}" is not a valid choice.')
_("Ensure that there are no more than {max_decimal_places} decimal places.")
ngettext(
    "Your password must contain at least %(min_length)d character.",
    "Your password must contain at least %(min_length)d characters.",
)
ngettext(
    "Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
    "Ensure this value has at most %(limit_value)d characters (it has %(show_value)d).",
)
