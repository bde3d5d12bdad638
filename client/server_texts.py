"""The server's refusals in Chinese. Pure.

The server words its refusals in English. A text that is not listed here, such as that of a newer
server, gets the text of its error number, with the server's own words behind it.
"""

from __future__ import annotations

import re

from chat.protocol import ErrNo, errors

BY_ERRNO: dict[int, str] = {
    ErrNo.REFUSED: "服务器拒绝了",
    ErrNo.ALREADY_ONLINE: "该账号正在别处使用",
    ErrNo.NOT_YOU: "没有登录",
    ErrNo.BAD_REQUEST: "服务器不接受这个请求",
    ErrNo.NOT_FOUND: "没有这个用户或群",
    ErrNo.TOO_MANY: "请求太多",
    ErrNo.TOO_LARGE: "内容太长",
    ErrNo.UNAVAILABLE: "服务器或数据库繁忙或不可用",
    ErrNo.NOT_A_MEMBER: "你不在那个群里",
    ErrNo.EXISTS: "已经存在",
    ErrNo.BLOCKED: "对方不接收你的消息",
    ErrNo.MAILBOX_FULL: "等待这个用户接收的消息太多",
    ErrNo.TOO_MANY_DEVICES: "你的设备太多",
}
"""The text of each error number."""

_SAYS_LITTLE = frozenset({ErrNo.REFUSED, ErrNo.BAD_REQUEST})
"""The numbers with many reasons: the server's words follow."""

_TEXTS = {
    errors.WRONG_PASSWORD: "用户名、账号或密码错误",
    errors.PASSWORD_IS_WRONG: "密码错误",
    errors.COMMON_PASSWORD: "密码太容易猜到：请换一个",
    errors.DISABLED: "账号已被停用：请联系服务器的运维人员",
    errors.REGISTRATION_CLOSED: "服务器不开放注册",
    errors.CODE_NEEDED: "注册需要邀请码：请联系服务器的运维人员",
    errors.CODE_INVALID: "邀请码无效",
    errors.TOO_MANY_LOGINS: "登录失败次数太多：请等待，或使用以前登录过的设备",
    errors.TOO_MANY_NEW_DEVICES: "新设备太多：请等待，或使用以前登录过的设备",
    errors.TOO_MANY_REGISTRATIONS: "你的网络注册次数太多",
    errors.TOO_MUCH_DRAWN: "登录得到的数据太多：请等待后再登录",
    errors.NAME_TAKEN: "这个名字已被使用",
    errors.NAME_LOOKALIKE: "这个名字与已有的名字太像：请换一个",
    errors.GROUP_EXISTS: "已有同名的群",
    errors.GROUP_LOOKALIKE: "这个群名与已有的群名太像：请换一个",
    "the password is wrong, or there is no such group": "密码错误，或者没有这个群",
    errors.NO_GROUP: "没有这个群",
    errors.CANNOT_JOIN: "没有这个群，或者它对你不开放",
    "you have no such device": "你没有这个设备",
    errors.TOO_MANY_DEVICES: "你的设备太多：请移除一个",
    "no such user": "没有这个用户",
    "this server has no directory: give the whole name": "服务器没有目录：请给出完整的名字",
    "this server takes no names: sign in with the number of the account": (
        "这个服务器不接受名字：请用号码登录"
    ),
    "no such member": "群里没有这个成员",
    "is not in your list": "不在你的好友列表里",
    "is a friend already": "已经是好友",
    "is a member already": "已经是群成员",
    "is not banned": "没有被封禁",
    "is not blocked": "没有被屏蔽",
    "has not asked you, or has taken the request back": "对方没有请求，或已撤回请求",
    "you have blocked this user: unblock it first": "你屏蔽了这个用户：请先解除屏蔽",
    "you are banned from this group": "你已被这个群封禁",
    "is banned from the group: lift the ban first": "已被这个群封禁：请先解除封禁",
    "too many bans in this group: lift some first": "这个群的封禁太多：请先解除一些",
    "only the group's creator may do that": "只有群主可以这样做",
    "only the group's creator and administrators may do that": "只有群主和管理员可以这样做",
    "administrators may do that to normal members only": "管理员只能对普通成员这样做",
    "too many wrong passwords": "密码错误次数太多",
    "too many of your invitations wait for an answer": "你有太多邀请还没有得到答复",
    "too many messages, slow down": "消息太多，请慢一些",
    "too many requests: wait, and send this one again": "请求太多",
    "no conversation with this user": "与这个用户没有消息往来",
    "seq: is beyond the newest message of this conversation": "超过了这个会话的最新消息",
    "too many notices of typing: send fewer": "正在输入的通知太多",
    "no saved login, a password is needed": "没有保存的登录，需要密码",
}

_PATTERNS = tuple(
    (re.compile(english).fullmatch, chinese)
    for english, chinese in (
        (r"you are in (\d+) groups: leave one first", "你已加入 {} 个群：请先退出一个"),
        (r"the group is full: (\d+) members", "群已满：最多 {} 个成员"),
        (
            r"your list is full, with (\d+) users: remove one first",
            "你的好友列表已满，有 {} 个用户：请先删除一个",
        ),
        (r"the list of the other user is full: (\d+) users", "对方的好友列表已满：最多 {} 个用户"),
        (
            r"(\d+) conversations are muted: end that for one of them first",
            "已有 {} 个会话免打扰：请先恢复其中一个",
        ),
        (r"your list of blocked users is full: (\d+) users", "你的屏蔽列表已满：最多 {} 个用户"),
        (
            r"(\d+) of your requests wait for an answer: remove some of them",
            "你有 {} 个请求还没有得到答复：请先撤回一些",
        ),
        (
            r"password: must be a string of (\d+) to (\d+) characters",
            "密码必须有 {} 到 {} 个字符",
        ),
        (
            r"(?:group)?name: must be a string of (\d+) to (\d+) characters",
            "名字必须有 {} 到 {} 个字符",
        ),
    )
)


def in_chinese(errno: int, errmsg: str) -> str:
    """The Chinese text of a refusal, not escaped."""
    if errmsg in _TEXTS:
        return _TEXTS[errmsg]
    for matches, text in _PATTERNS:
        found = matches(errmsg)
        if found is not None:
            return text.format(*found.groups())
    general = BY_ERRNO.get(errno)
    if general is None:
        return errmsg or f"错误 {errno}"
    return f"{general}（{errmsg}）" if errmsg and errno in _SAYS_LITTLE else general
