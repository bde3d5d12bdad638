"""The keyboard: all key bindings, put together."""

from __future__ import annotations

import signal
from functools import partial

from client.ui.commands.command_runner import CommandRunner
from client.ui.commands.command_set import CommandSet
from client.ui.commands.context import CommandContext
from client.ui.commands.login_controller import LoginController
from client.ui.commands.scroller import Scroller
from client.ui.keyboard.form_keys import FormKeys
from client.ui.keyboard.input_keys import InputKeys
from client.ui.keyboard.key_binder import Action, KeyBinder
from client.ui.keyboard.overlay_keys import OverlayKeys
from client.ui.keyboard.room_keys import RoomKeys
from client.ui.model.screen_state import KeyTarget
from client.ui.view.screen import Screen

_WITH_HELP = (KeyTarget.FORM, KeyTarget.INPUT, KeyTarget.SEARCH, KeyTarget.SWITCHER)


def bind_keys(
    binder: KeyBinder,
    context: CommandContext,
    screen: Screen,
    scroller: Scroller,
    commands: CommandSet,
    runner: CommandRunner,
    login: LoginController,
    suspend: Action,
) -> None:
    """Add all key bindings. ``suspend`` stops the process, as Ctrl+Z does in a shell."""
    program = commands.program
    binder.on("c-q", program.quit)
    binder.on("<sigint>", partial(program.quit_now, 128 + signal.SIGINT))
    binder.on("f1", program.help, *_WITH_HELP)
    binder.on("c-z", suspend)
    binder.on_focus_reports()
    FormKeys(context, screen, login, program).bind(binder)
    InputKeys(context, screen, runner, program).bind(binder)
    RoomKeys(context, scroller, commands, runner).bind(binder)
    OverlayKeys(context.state, screen, commands, runner).bind(binder)
