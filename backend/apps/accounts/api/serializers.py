from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction
from rest_framework import serializers

from apps.accounts import registration
from apps.accounts.models import ADDRESS_TAKEN, NAME_TAKEN, User, valid_name
from apps.core.fields import TextField


class AccountSerializer(serializers.ModelSerializer):
    def validate_email(self, value):
        value = User.objects.normalize_email(value)
        self._refuse_taken("email", value, ADDRESS_TAKEN)
        return value

    def save(self, **kwargs):
        try:
            with transaction.atomic():
                return super().save(**kwargs)
        except IntegrityError:
            # Somebody was quicker; checked again, it is clear which of the two was taken.
            self.run_validation(self.initial_data)
            raise

    def _refuse_taken(self, field, value, message):
        others = User.objects.named(field, value)
        if self.instance:
            others = others.exclude(pk=self.instance.pk)
        if others.exists():
            raise serializers.ValidationError(message, code="unique")


class UserSerializer(AccountSerializer):
    class Meta:
        model = User
        fields = ["id", "username", "email", "language", "theme"]
        read_only_fields = ["username"]

    def to_representation(self, user):
        # Without fields, of which DRF makes new ones each time; that takes longer than all else of a request.
        return {name: getattr(user, name) for name in self.Meta.fields}

    def update(self, instance, validated_data):
        registration.change_account(instance, **validated_data)
        return instance


class NameField(TextField):
    def to_internal_value(self, data):
        # Full-width letters, as an input method leaves them, are the same letters.
        return User.normalize_username(super().to_internal_value(data))


class RegisterSerializer(AccountSerializer):
    username = NameField(max_length=150, validators=[valid_name])
    password = TextField(max_length=128, trim_whitespace=False, write_only=True)

    class Meta:
        model = User
        fields = ["username", "email", "password"]

    def validate_username(self, value):
        self._refuse_taken("username", value, NAME_TAKEN)
        return value

    def validate_password(self, value):
        name, address = (str(self.initial_data.get(field, ""))[:254] for field in ("username", "email"))
        validate_password(value, User(username=name, email=address))
        return value

    def create(self, validated_data):
        return registration.register(**validated_data)


class LoginSerializer(serializers.Serializer):
    username = TextField(max_length=254, help_text="The name or the e-mail address.")
    password = TextField(trim_whitespace=False, write_only=True)
    code = TextField(
        required=False,
        allow_blank=True,
        max_length=40,
        write_only=True,
        help_text="Of the authenticator app, or a recovery code; needed where AUTH_004 names this field.",
    )


class SignedInSerializer(serializers.Serializer):
    access = serializers.CharField()
    user = UserSerializer()


class PairSerializer(serializers.Serializer):
    access = serializers.CharField()
    refresh = serializers.CharField()


class GivenRefreshSerializer(serializers.Serializer):
    refresh = TextField(required=False, allow_blank=True, help_text="Left out by browsers, which send the cookie.")


class RefreshedSerializer(serializers.Serializer):
    access = serializers.CharField()
    refresh = serializers.CharField(required=False, help_text="Only when it came in the body.")


class PasswordSerializer(serializers.Serializer):
    password = TextField(trim_whitespace=False, write_only=True)
