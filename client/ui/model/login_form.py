"""LoginForm: the form to log in or register, and the check of its fields. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from client.account.saved_accounts import SavedAccount
from client.encoding import is_unicode
from client.ids import parse_id
from client.limits import LIMITS

# The defaults of the server, whose own limits decide.
MAX_NAME = LIMITS.name
MIN_PASSWORD = LIMITS.password_min
MAX_PASSWORD = LIMITS.password_max


class FormMode(Enum):
    """The purpose of the form; the value is the key of its text."""

    LOGIN = "sign in"
    REGISTER = "register"


FIELDS: dict[FormMode, tuple[str, ...]] = {
    FormMode.LOGIN: ("id", "password"),
    FormMode.REGISTER: ("name", "password", "password again"),
}
CODE = "code"
ALL_FIELDS = ("id", "name", "password", "password again", CODE)
"""From the top to the bottom of the screen."""

SECRET = frozenset({"password", "password again"})


@dataclass(frozen=True, slots=True)
class LoginAnswers:
    """The checked fields of a login. ``user``: a number or a name."""

    user: int | str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegistrationAnswers:
    """The checked fields of a registration."""

    name: str
    password: str = field(repr=False)
    code: str | None = None


class FieldError(ValueError):
    """A field with a bad value.

    Attributes:
        field: the name of the field.
        key: the key of the text that names the fault.
        values: the values of the placeholders in that text.
    """

    def __init__(self, field_name: str, key: str, **values: str) -> None:
        super().__init__(field_name, key)
        self.field = field_name
        self.key = key
        self.values = values


class LoginForm:
    """The state of the form. The terminal's thread.

    Attributes:
        mode: login or registration.
        saved: the accounts with a saved token, the last used first.
        line: a line about a fault or the progress; empty without one.
        failed: whether that line is about a fault.
        busy: whether the form waits for an answer of the server.
        wants_code: whether a registration needs the code of an invitation.
    """

    def __init__(self, saved: list[SavedAccount]) -> None:
        self.mode = FormMode.LOGIN
        self.saved = saved
        self.line = ""
        self.failed = False
        self.busy = False
        self.wants_code = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of this mode, in their order."""
        needs_code = self.wants_code and self.mode is FormMode.REGISTER
        return (*FIELDS[self.mode], CODE) if needs_code else FIELDS[self.mode]

    @property
    def choices(self) -> dict[str, SavedAccount]:
        """The saved logins by the text that selects one: the name, or the number of namesakes."""
        shown = [account.shown for account in self.saved]
        return {
            name if shown.count(name) == 1 else str(account.user_id): account
            for name, account in zip(shown, self.saved, strict=True)
        }

    def switch_mode(self) -> None:
        """From login to registration, or back."""
        is_login = self.mode is FormMode.LOGIN
        self.mode = FormMode.REGISTER if is_login else FormMode.LOGIN
        self.say("")

    def say(self, line: str, *, failed: bool = False) -> None:
        """Show a line. It is escaped already."""
        self.line = line
        self.failed = failed

    def stop_waiting(self, line: str = "", *, failed: bool = False) -> None:
        """The request has ended; show its result."""
        self.busy = False
        self.say(line, failed=failed)

    def check(self, answers: dict[str, str]) -> LoginAnswers | RegistrationAnswers:
        """Check the fields. Raises FieldError about the first bad one."""
        for name in self.fields:
            if not is_unicode(answers[name]):
                raise FieldError(name, "not unicode")
        if self.mode is FormMode.LOGIN:
            return _check_login(answers)
        return _check_registration(answers, self.fields)


def _check_login(answers: dict[str, str]) -> LoginAnswers:
    text = answers["id"].strip()
    if not text:
        raise FieldError("id", "no number")
    if len(text) > MAX_NAME:
        raise FieldError("id", "name long", most=str(MAX_NAME))
    if not answers["password"]:
        raise FieldError("password", "no password")
    return LoginAnswers(parse_id(text) or text, answers["password"])


def _check_registration(answers: dict[str, str], fields: tuple[str, ...]) -> RegistrationAnswers:
    name, password = answers["name"].strip(), answers["password"]
    if not name:
        raise FieldError("name", "no name")
    if len(name) > MAX_NAME:
        raise FieldError("name", "name long", most=str(MAX_NAME))
    if not password:
        raise FieldError("password", "no password")
    if len(password) < MIN_PASSWORD:
        raise FieldError("password", "password short", least=str(MIN_PASSWORD))
    if len(password) > MAX_PASSWORD:
        raise FieldError("password", "password long", most=str(MAX_PASSWORD))
    if password != answers["password again"]:
        raise FieldError("password again", "passwords differ")
    if CODE not in fields:
        return RegistrationAnswers(name, password)
    if not answers[CODE].strip():
        raise FieldError(CODE, "no code")
    return RegistrationAnswers(name, password, answers[CODE].strip())
