from rest_framework import serializers


class TextField(serializers.CharField):
    """Takes text only, where DRF's writes any number as one, and not always with the digits that were sent."""

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)
