from __future__ import annotations

import pytest

from client.account.saved_accounts import SavedAccount
from client.ui.model.login_form import (
    FieldError,
    FormMode,
    LoginAnswers,
    LoginForm,
    RegistrationAnswers,
)


def check(mode: FormMode, **answers: str) -> LoginAnswers | RegistrationAnswers:
    form = LoginForm([])
    if form.mode is not mode:
        form.switch_mode()
    blank = dict.fromkeys(form.fields, "")
    return form.check({**blank, **{key.replace("_", " "): text for key, text in answers.items()}})


def test_login() -> None:
    assert check(FormMode.LOGIN, id=" 5 ", password=" secret ") == LoginAnswers(5, " secret ")
    assert check(FormMode.LOGIN, id=" li si ", password="x") == LoginAnswers("li si", "x")
    assert check(FormMode.LOGIN, id="0", password="x") == LoginAnswers("0", "x")
    assert "secret" not in repr(LoginAnswers(5, "secret"))


def test_saved_logins_are_chosen_by_name() -> None:
    saved = [SavedAccount(n, name, 0.0) for n, name in ((1, "ann"), (2, "eve"), (3, "eve"))]
    saved += [SavedAccount(4, "", 0.0), SavedAccount(5, "12", 0.0)]
    form = LoginForm(saved)
    assert list(form.choices) == ["ann", "2", "3", "4", "5"]


def test_registration() -> None:
    filled = check(FormMode.REGISTER, name=" li si ", password="secret", password_again="secret")
    assert filled == RegistrationAnswers("li si", "secret")
    assert "secret" not in repr(filled)


@pytest.mark.parametrize(
    ("answers", "field", "key"),
    [
        ({}, "id", "no number"),
        ({"id": " "}, "id", "no number"),
        ({"id": "\x1b[2J"}, "password", "no password"),
        ({"id": "9" * 5000}, "id", "name long"),
        ({"id": "5"}, "password", "no password"),
    ],
)
def test_bad_login_fields(answers: dict[str, str], field: str, key: str) -> None:
    with pytest.raises(FieldError) as caught:
        check(FormMode.LOGIN, **answers)
    assert (caught.value.field, caught.value.key) == (field, key)
    assert all(value.isprintable() for value in caught.value.values.values())


@pytest.mark.parametrize(
    ("answers", "field", "key"),
    [
        ({}, "name", "no name"),
        ({"name": "x" * 51}, "name", "name long"),
        ({"name": "x"}, "password", "no password"),
        ({"name": "x", "password": "short"}, "password", "password short"),
        ({"name": "x", "password": "x" * 129}, "password", "password long"),
        ({"name": "x", "password": "secret"}, "password again", "passwords differ"),
    ],
)
def test_bad_registration_fields(answers: dict[str, str], field: str, key: str) -> None:
    with pytest.raises(FieldError) as caught:
        check(FormMode.REGISTER, **answers)
    assert (caught.value.field, caught.value.key) == (field, key)


def test_switch_mode() -> None:
    form = LoginForm([])
    form.say("wrong", failed=True)
    assert form.failed
    form.switch_mode()
    assert (form.mode, form.line, form.failed) == (FormMode.REGISTER, "", False)
    form.switch_mode()
    assert form.mode is FormMode.LOGIN
