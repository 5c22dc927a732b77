"""Which passwords are good enough. Pure.

By NIST SP 800-63B-4, section 3.1.1: long (15 characters where it is the only factor, 8 beside a second one), any
character of Unicode after NFKC, no rule about kinds of characters, no change by the calendar, and none that is common,
leaked, or made of what is known about its owner.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable

from midstage.middle.access.types import PasswordCommon, PasswordGuessable, PasswordLong, PasswordShort

SHORTEST_ALONE = 15
SHORTEST_WITH_FACTOR = 8
LONGEST = 200
# So many characters must be left when what everybody tries first is taken as one character each.
LEAST_WORTH = 7
_SHORTEST_WORD = 4

# What people type most, as every study of leaked passwords finds it. Our own list; digits and runs are found by rule.
_WORDS = [
    "password",
    "passwort",
    "passord",
    "motdepasse",
    "contrasena",
    "contrasenya",
    "senha",
    "parola",
    "haslo",
    "wachtwoord",
    "salasana",
    "mima",
    "woaini",
    "woaini1314",
    "aini1314",
    "wodemima",
    "mimashi",
    "zhimakaimen",
    "nihao",
    "zhongguo",
    "beijing",
    "shanghai",
    "taobao",
    "wangyi",
    "tencent",
    "weixin",
    "admin",
    "administrator",
    "root",
    "superuser",
    "sysadmin",
    "manager",
    "user",
    "guest",
    "test",
    "testing",
    "demo",
    "default",
    "login",
    "logon",
    "signin",
    "welcome",
    "welcome1",
    "letmein",
    "letmeinnow",
    "openup",
    "opensesame",
    "changeme",
    "changeit",
    "temp",
    "temporary",
    "secret",
    "private",
    "access",
    "passw0rd",
    "p4ssword",
    "pass",
    "word",
    "qwerty",
    "azerty",
    "qwertz",
    "qwaszx",
    "iloveyou",
    "ilove",
    "loveyou",
    "lovely",
    "loveme",
    "mylove",
    "lover",
    "love",
    "iloveu",
    "babygirl",
    "babyboy",
    "princess",
    "prince",
    "queen",
    "sunshine",
    "sunflower",
    "rainbow",
    "flower",
    "butterfly",
    "angel",
    "angels",
    "heaven",
    "heart",
    "sweet",
    "sweety",
    "honey",
    "darling",
    "cutie",
    "monkey",
    "dragon",
    "tiger",
    "lion",
    "panda",
    "kitty",
    "kitten",
    "puppy",
    "buster",
    "shadow",
    "master",
    "hunter",
    "ranger",
    "ninja",
    "samurai",
    "warrior",
    "killer",
    "batman",
    "superman",
    "spiderman",
    "ironman",
    "hulk",
    "starwars",
    "startrek",
    "pokemon",
    "pikachu",
    "naruto",
    "minecraft",
    "fortnite",
    "roblox",
    "football",
    "soccer",
    "baseball",
    "basketball",
    "hockey",
    "tennis",
    "golfer",
    "liverpool",
    "chelsea",
    "arsenal",
    "barcelona",
    "juventus",
    "realmadrid",
    "yankees",
    "dallas",
    "cowboys",
    "eagles",
    "lakers",
    "jordan",
    "ronaldo",
    "messi",
    "summer",
    "winter",
    "spring",
    "autumn",
    "monday",
    "friday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "august",
    "september",
    "october",
    "november",
    "december",
    "michael",
    "jessica",
    "ashley",
    "daniel",
    "jennifer",
    "jordan",
    "michelle",
    "thomas",
    "andrew",
    "joshua",
    "matthew",
    "robert",
    "nicole",
    "hannah",
    "charlie",
    "maggie",
    "ginger",
    "pepper",
    "cookie",
    "banana",
    "orange",
    "apple",
    "cherry",
    "chocolate",
    "coffee",
    "cheese",
    "pizza",
    "computer",
    "internet",
    "samsung",
    "google",
    "facebook",
    "microsoft",
    "windows",
    "linux",
    "android",
    "iphone",
    "apple123",
    "oracle",
    "mustang",
    "ferrari",
    "porsche",
    "mercedes",
    "yamaha",
    "harley",
    "corvette",
    "freedom",
    "forever",
    "whatever",
    "trustno",
    "trustme",
    "nothing",
    "anything",
    "something",
    "jesus",
    "christ",
    "blessed",
    "faith",
    "god",
    "money",
    "dollar",
    "million",
    "business",
    "office",
    "company",
    "store",
    "shop",
    "retail",
    "cashier",
    "counter",
    "midstage",
    "merchant",
    "member",
    "customer",
    "service",
    "support",
    "helpdesk",
    "backup",
    "server",
    "database",
    "system",
    "network",
    "security",
    "qazwsx",
    "zaqwsx",
    "asdfgh",
    "zxcvbn",
    "abcdef",
    "abc",
    "xyz",
    "aaaa",
    "hello",
    "helloworld",
    "world",
    "hellokitty",
    "family",
    "mother",
    "father",
    "sister",
    "brother",
    "friend",
    "friends",
    "baby",
    "girl",
    "happy",
    "smile",
    "peace",
    "music",
    "guitar",
    "dancer",
    "magic",
    "wizard",
    "diamond",
    "silver",
    "golden",
    "purple",
    "yellow",
]
_KEYBOARD = (
    "`1234567890-=",
    "qwertyuiop[]\\",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "qazwsxedcrfvtgbyhnujmikolp",
    "azertyuiop",
    "!@#$%^&*()",
)
_NEIGHBOURS = frozenset(
    pair for row in _KEYBOARD for one, other in itertools.pairwise(row) for pair in (one + other, other + one)
)
_COMMON = frozenset(_WORDS)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_LEET = str.maketrans("013457$@!", "oleastsai")


def normal(password: str) -> str:
    """The form in which a password is hashed: the same characters, however the keyboard made them."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, *, known: Iterable[str] = (), shortest: int = SHORTEST_ALONE) -> None:
    """Raises PasswordShort, PasswordLong, PasswordCommon or PasswordGuessable, which say what to mend.

    `known` are words that go with its owner: the login, the names of the person and the brand.
    """
    text = normal(password)
    if len(text) < shortest:
        raise PasswordShort(shortest)
    if len(text) > LONGEST:
        raise PasswordLong
    folded = text.casefold()
    if folded in _COMMON or folded.translate(_LEET) in _COMMON:
        raise PasswordCommon
    if worth(folded, known) < LEAST_WORTH:
        raise PasswordGuessable


def worth(folded: str, known: Iterable[str]) -> int:
    """How many characters are left when each run, repetition, common or known word counts as one or two."""
    unit = _unit(folded)
    repeats = len(unit) < len(folded)
    words = [part for one in known for part in _parts(normal(one).casefold())]
    found = {word for word in (*words, *_COMMON) if len(word) >= _SHORTEST_WORD or not word.isascii()} - {""}
    for word in sorted(found, key=len, reverse=True):
        unit = _without(unit, word)
    return _without_runs(_YEAR.sub("\0", unit)) + repeats


def _parts(word: str) -> list[str]:
    """A name with its parts: an address its two sides, a login what stands between its dots."""
    return [word, *word.split("@"), *re.split(r"[\s@._-]+", word)]


def _without(text: str, word: str) -> str:
    """A text with a word, also as it is written with digits for letters, made one character that is like no other."""
    if word in text:
        text = text.replace(word, "\0")
    plain = text.translate(_LEET)
    while (at := plain.find(word)) >= 0:
        text, plain = (f"{one[:at]}\0{one[at + len(word) :]}" for one in (text, plain))
    return text


def _unit(text: str) -> str:
    """What a text repeats, as abc in abcabcabc; itself, if it repeats nothing."""
    at = (text + text).find(text, 1)
    return text[:at]


def _without_runs(text: str) -> int:
    """The length of a text in which three and more characters in a row, up, down, the same or on a keyboard, are two."""
    length, run = 0, 0
    for before, char in itertools.pairwise(f" {text}"):
        follows = char == before or abs(ord(char) - ord(before)) == 1 or before + char in _NEIGHBOURS
        run = run + 1 if follows else 0
        length += run <= 1
    return length
