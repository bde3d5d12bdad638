"""LoginForm: what is asked before one is logged in, and what is wrong with the answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from client.account.store import SavedAccount
from client.encoding import is_unicode
from client.ids import parse_id
from client.limits import LIMITS
from client.ui.text.cells import one_line

# The server's defaults; it has the last word.
MAX_NAME = LIMITS.name
MIN_PASSWORD = LIMITS.password_min
MAX_PASSWORD = LIMITS.password_max


class FormMode(Enum):
    """What the form is for."""

    LOGIN = "sign in"
    REGISTER = "register"


FIELDS: dict[FormMode, tuple[str, ...]] = {
    FormMode.LOGIN: ("id", "password"),
    FormMode.REGISTER: ("name", "password", "password again"),
}
ALL_FIELDS = ("id", "name", "password", "password again")
"""In the order in which they stand below each other."""

SECRET = frozenset({"password", "password again"})


@dataclass(frozen=True, slots=True)
class LoginAnswers:
    """The form was filled in to log in."""

    user_id: int
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegistrationAnswers:
    """The form was filled in to register."""

    name: str
    password: str = field(repr=False)


class FieldError(ValueError):
    """An answer that will not do.

    Attributes:
        field: which one.
        key: of the text that says why.
        values: for that text.
    """

    def __init__(self, field_name: str, key: str, **values: str) -> None:
        super().__init__(field_name, key)
        self.field = field_name
        self.key = key
        self.values = values


class LoginForm:
    """Sign in or register; the accounts that can go straight in. The terminal's thread.

    Attributes:
        mode: which of the two.
        saved: accounts with a token, the last used first.
        line: one line that says what was wrong, or what goes on; empty if nothing.
        failed: whether that line is about a failure.
        busy: an answer of the server's is awaited.
    """

    def __init__(self, saved: list[SavedAccount]) -> None:
        self.mode = FormMode.LOGIN
        self.saved = saved
        self.line = ""
        self.failed = False
        self.busy = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields to fill in, in their order."""
        return FIELDS[self.mode]

    def turn(self) -> None:
        """From signing in to registering, or back."""
        self.mode = FormMode.REGISTER if self.mode is FormMode.LOGIN else FormMode.LOGIN
        self.say("")

    def say(self, line: str, *, failed: bool = False) -> None:
        """Show a line, which is escaped already."""
        self.line = line
        self.failed = failed

    def check(self, answers: dict[str, str]) -> LoginAnswers | RegistrationAnswers:
        """What the answers ask for. Raises FieldError about the first that will not do."""
        for name in self.fields:
            if not is_unicode(answers[name]):
                raise FieldError(name, "not unicode")
        if self.mode is FormMode.LOGIN:
            return _check_sign_in(answers)
        return _check_registration(answers)


def _check_sign_in(answers: dict[str, str]) -> LoginAnswers:
    text = answers["id"].strip()
    if not text:
        raise FieldError("id", "no number")
    user_id = parse_id(text)
    if user_id is None:
        raise FieldError("id", "number wrong", text=one_line(text))
    if not answers["password"]:
        raise FieldError("password", "no password")
    return LoginAnswers(user_id, answers["password"])


def _check_registration(answers: dict[str, str]) -> RegistrationAnswers:
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
    return RegistrationAnswers(name, password)
