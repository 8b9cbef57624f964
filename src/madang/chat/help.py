"""The commands as people read them: usage, explanation in both languages, arguments for completion."""

from typing import Final, NamedTuple


class Command(NamedTuple):
    """`right` is what it takes, `arguments` are kinds that a page completes."""

    name: str
    usage: str
    right: str
    en: str
    ko: str
    arguments: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


_USER, _FOR, _WHY = "user", "duration", "text"
COMMANDS: Final = (
    Command(
        "ban", "/ban user [reason]", "ban", "Ban somebody until you unban them", "영구 차단", (_USER, _WHY)
    ),
    Command(
        "unban",
        "/unban user",
        "ban",
        "Lift a ban or a timeout",
        "차단이나 채팅 정지 풀기",
        (_USER,),
        ("untimeout",),
    ),
    Command(
        "timeout",
        "/timeout user [duration] [reason]",
        "timeout",
        "Silence somebody for a while: 90, 10m, 2h, 7d",
        "채팅 정지: 90, 10m, 2h, 7d",
        (_USER, _FOR, _WHY),
    ),
    Command(
        "ipban",
        "/ipban user [reason]",
        "ban",
        "Ban somebody and where they come from",
        "사용자와 접속 주소 차단",
        (_USER, _WHY),
    ),
    Command(
        "shadow",
        "/shadow user [reason]",
        "shadow",
        "Only they see what they write",
        "본인에게만 보이게 하기",
        (_USER, _WHY),
    ),
    Command(
        "unshadow",
        "/unshadow user",
        "shadow",
        "Everybody sees them again",
        "다시 모두에게 보이게 하기",
        (_USER,),
    ),
    Command("delete", "/delete id", "delete", "Delete a message", "메시지 삭제", ("message",)),
    Command("clear", "/clear", "clear", "Clear the chat", "채팅 비우기"),
    Command(
        "slow",
        "/slow [seconds]",
        "settings",
        "Seconds between two messages of one person",
        "저속 모드",
        ("seconds",),
    ),
    Command("slowoff", "/slowoff", "settings", "End slow mode", "저속 모드 끄기"),
    Command(
        "followers", "/followers [duration]", "settings", "Followers only, of so long", "팔로워 전용", (_FOR,)
    ),
    Command("followersoff", "/followersoff", "settings", "Everybody may write again", "팔로워 전용 끄기"),
    Command("subonly", "/subonly", "settings", "Subscribers only", "구독자 전용", (), ("subscribers",)),
    Command(
        "subonlyoff",
        "/subonlyoff",
        "settings",
        "Not only subscribers",
        "구독자 전용 끄기",
        (),
        ("subscribersoff",),
    ),
    Command("emojionly", "/emojionly", "settings", "Emoji only", "이모지 전용", (), ("emoteonly",)),
    Command(
        "emojionlyoff",
        "/emojionlyoff",
        "settings",
        "Not only emoji",
        "이모지 전용 끄기",
        (),
        ("emoteonlyoff",),
    ),
    Command("unique", "/unique", "settings", "No text twice in 30 seconds", "중복 금지", (), ("uniquechat",)),
    Command(
        "uniqueoff", "/uniqueoff", "settings", "Texts may repeat", "중복 금지 끄기", (), ("uniquechatoff",)
    ),
    Command("links", "/links on|off", "settings", "Allow links or not", "링크 허용", ("on|off",)),
    Command(
        "freeze",
        "/freeze [guests|viewers|subscribers|all]",
        "settings",
        "Silence the chat up to a group",
        "얼리기",
        ("guests|viewers|subscribers|all",),
    ),
    Command("unfreeze", "/unfreeze", "settings", "End the freeze", "얼리기 풀기"),
    Command(
        "hold",
        "/hold none|filter|newcomers|all",
        "settings",
        "What waits for approval",
        "승인 대기",
        ("none|filter|newcomers|all",),
    ),
    Command(
        "preset",
        "/preset calm|normal|raid",
        "settings",
        "Several settings at once",
        "프리셋",
        ("calm|normal|raid",),
    ),
    Command("mod", "/mod user", "managers", "Make somebody a manager", "매니저로 지정", (_USER,)),
    Command("unmod", "/unmod user", "managers", "A manager no more", "매니저 해제", (_USER,)),
    Command("vip", "/vip user", "roles", "Make somebody a VIP", "VIP로 지정", (_USER,)),
    Command("unvip", "/unvip user", "roles", "A VIP no more", "VIP 해제", (_USER,)),
    Command(
        "sub",
        "/sub user [duration]",
        "roles",
        "Make somebody a subscriber (30d)",
        "구독자로 지정 (30d)",
        (_USER, _FOR),
    ),
    Command("unsub", "/unsub user", "roles", "A subscriber no more", "구독 해제", (_USER,)),
    Command("pin", "/pin [id]", "pin", "Pin a message, or your last one", "메시지 고정", ("message",)),
    Command("unpin", "/unpin [id]", "pin", "Unpin", "고정 풀기", ("message",)),
    Command(
        "announce",
        "/announce text",
        "announce",
        "Announce something",
        "공지",
        (_WHY,),
        ("announceblue", "announcegreen", "announceorange", "announcepurple"),
    ),
    Command("user", "/user name", "timeout", "Who is this?", "사용자 정보", (_USER,)),
    Command("me", "/me text", "send", "Say what you do", "행동으로 말하기", (_WHY,)),
    Command("color", "/color 0-15", "send", "The colour of your name", "이름 색", ("color",)),
    Command("nick", "/nick name", "send", "Your nickname, as a guest", "손님 닉네임", (_WHY,)),
    Command("mods", "/mods", "send", "Who are the managers?", "매니저 목록"),
    Command("vips", "/vips", "send", "Who are the VIPs?", "VIP 목록"),
    Command("help", "/help [command]", "send", "What can be commanded", "도움말", ("command",)),
)
BY_NAME: Final = {name: command for command in COMMANDS for name in (command.name, *command.also)}


def told(command: Command) -> dict[str, object]:
    """A command on the wire."""
    return {
        "name": command.name,
        "usage": command.usage,
        "help": {"en": command.en, "ko": command.ko},
        "arguments": list(command.arguments),
        "also": list(command.also),
    }
