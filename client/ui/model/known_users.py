"""The users and groups that the input line may name, for completion and for ids. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from client.ui.model.room_list import RoomList


def known_users(rooms: RoomList) -> dict[int, str]:
    """Friends, users with a conversation, users that ask, and members of the open group, by id."""
    directory, current = rooms.directory, rooms.current
    found: dict[int, str] = {}
    if directory.account is not None:
        found.update((friend.id, friend.name) for friend in directory.account.friends)
    for key in rooms.by_key:
        if not key.in_group:
            found.setdefault(key.id, directory.name_of(key.id))
    for user_id, name in asking_users(rooms).items():
        found.setdefault(user_id, name)
    if current is not None and current.key.in_group:
        for member in directory.members_of(current.key.id):
            found.setdefault(member.id, member.name)
    return found


def asking_users(rooms: RoomList) -> dict[int, str]:
    """The users whose requests to be a friend wait, by id."""
    account = rooms.directory.account
    requests = () if account is None else account.friend_requests
    return {request.user_id: request.name for request in requests}


def known_groups(rooms: RoomList) -> dict[int, str]:
    """The groups of the user, by id."""
    account = rooms.directory.account
    return {} if account is None else {group.id: group.name for group in account.groups}


def inviting_groups(rooms: RoomList) -> dict[int, str]:
    """The groups that invite the user, by id."""
    account = rooms.directory.account
    invitations = () if account is None else account.invitations
    return {invitation.group_id: invitation.group_name for invitation in invitations}


def id_of_name(known: Mapping[int, str], name: str) -> int | None:
    """The id with this name in any case; None without one, or if several have it."""
    wanted = name.casefold()
    found = [number for number, known_name in known.items() if known_name.casefold() == wanted]
    return found[0] if len(found) == 1 else None
