"""Which text search configuration a language has, and which scripts can't be searched."""

import re

# Words as they are, in lower case: for languages whose endings Postgres doesn't know.
SIMPLE = "simple"

# By the code of the language in ISO 639. The migration 0014 creates the configurations.
_CONFIGURATIONS = {
    "ar": "arabic",
    "hy": "armenian",
    "eu": "basque",
    "ca": "catalan",
    "da": "danish",
    "nl": "dutch",
    "en": "english",
    "fi": "finnish",
    "fr": "french",
    "de": "german",
    "el": "greek",
    "hi": "hindi",
    "hu": "hungarian",
    "id": "indonesian",
    "ga": "irish",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nb": "norwegian",
    "nn": "norwegian",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "es": "spanish",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
# Languages that are written without spaces between words: Chinese, Japanese, Thai, Lao, Khmer,
# Burmese, Tibetan. Postgres would take a whole sentence for one word.
_WITHOUT_WORD_BREAKS = {"zh", "cmn", "yue", "wuu", "nan", "ja", "th", "lo", "km", "my", "bo"}
_SCRIPTS_WITHOUT_WORD_BREAKS = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
# The only character whose lower case has two: an i, and a dot above it.
_DOTTED_I = "\u0130"


def configuration_of(language: str | None) -> str | None:
    """Return the configuration for a language such as `en-US`; None if it can't be searched."""
    code = re.split("[-_]", (language or "").lower())[0]
    if code in _WITHOUT_WORD_BREAKS:
        return None
    name = _CONFIGURATIONS.get(code)

    return f"transcript_{name}" if name else SIMPLE


def has_word_breaks(text: str) -> bool:
    """Return whether the text has no character of a script without spaces between words."""
    return _SCRIPTS_WITHOUT_WORD_BREAKS.search(text) is None


def lower_case(text: str) -> str:
    """Return the text in lower case, with as many characters as before.

    Postgres does the same, but in some databases for ASCII only: that depends on their locale.
    """
    return text.replace(_DOTTED_I, "i").lower()
