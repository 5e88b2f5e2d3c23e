"""Sentences of Django REST framework that it does not say in Japanese, or not well; our catalogue does."""

from django.utils.translation import gettext_noop as _

_("This field may not be null.")
_("Not a valid string.")
_("Must be a valid UUID.")
_("Ensure this field has no more than {max_length} characters.")
_("Null characters are not allowed.")
_("Surrogate characters are not allowed: U+{code_point:X}.")
_("Invalid data. Expected a dictionary, but got {datatype}.")
_('"{input}" is not a valid choice.')
_("Ensure that there are no more than {max_decimal_places} decimal places.")
