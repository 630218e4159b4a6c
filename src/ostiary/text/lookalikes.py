"""Characters that look like ASCII ones, beyond what Unicode's compatibility decomposition (NFKD) already undoes.

Chosen by the look of the glyph in common fonts, one by one; the problem is that of UTS #39 (Unicode Security Mechanisms), the
table is ours. Letters that make up ordinary words of East Asian scripts are left out: nobody takes 一 for a dash in a sentence.
"""

from __future__ import annotations

_LOOKS_LIKE: dict[str, str] = {
    # Small letters: Cyrillic, Greek, Armenian, Coptic, Latin letters with strokes and hooks, small capitals.
    "a": "аαɑᴀɐ",
    "b": "ЬƅɓƀᖯʙƃЪ",
    "c": "сϲᴄⲥƈɕҫ",
    "d": "ԁđɖɗᴅժƌ",
    "e": "еҽəɛєεɇɘᴇ℮ⲉɜ",
    "f": "ƒϝꜰẝք",
    "g": "ɡցɢɠԍ",
    "h": "һհħɦʜԧ",
    "i": "іıɩɪɨιӏꭵᎥⲓ",
    "j": "јϳȷɉᴊյ",
    "k": "кκƙᴋⲕĸ",
    "l": "łɫɬɭʟⵏƚ∣ǀ",
    "m": "мᴍɱ",
    "n": "пηոռɲɴƞɳŋ",
    "o": "оοօσⲟøɵөᴏഠ๐໐",
    "p": "рρƥᴘⲣᵽ",
    "q": "ԛգզɋ",
    "r": "гɾɽɼɍʀⲅ",
    "s": "ѕʂȿꜱ",
    "t": "тτŧƫʈᴛƭ",
    "u": "υսʋᴜʊц",
    "v": "νѵᴠⱱ",
    "w": "ԝѡωɯᴡⲱաш",
    "x": "хχҳⲭ",
    "y": "уγүʏɏƴყч",
    "z": "ᴢʐʑƶȥ",
    # Capitals: Cyrillic, Greek, Cherokee, Coptic, Lisu.
    "A": "АΑᎪⲀꓮ",
    "B": "ВΒᏴⲂꓐƁɃƂ",
    "C": "СϹᏟⲤꓚƇҪ",
    "D": "ᎠꓓĐƊƉ",
    "E": "ЕΕᎬⲈꓰƎƐЄ",
    "F": "ϜꓝƑҒ",
    "G": "ԌᏀꓖƓ",
    "H": "НΗᎻⲎꓧҺĦҢ",
    "I": "ІΙꓲƖӀⲒ",
    "J": "ЈᎫꓙɈ",
    "K": "КΚᏦⲔꓗҚƘҜ",
    "L": "ᏞԼꓡŁ",
    "M": "МΜᎷⲘꓟϺ",
    "N": "ΝⲚꓠƝИ",
    "O": "ОΟՕⲞꓳØӨƟᎾ",
    "P": "РΡᏢⲢꓑƤ",
    "Q": "Ԛ",
    "R": "ᎡᏒꓣƦЯɌ",
    "S": "ЅՏᏚꓢ",
    "T": "ТΤᎢⲦꓔŦƬƮ",
    "U": "ՍꓴƱ",
    "V": "ᏙꓦѴƲ",
    "W": "ԜᎳꓪ",
    "X": "ХΧⲬꓫҲ",
    "Y": "УΥҮⲨꓬƳɎ",
    "Z": "ΖᏃꓜƵȤ",
    "3": "ЗӠƷ",
    # Punctuation and spaces.
    "-": "‐‒–—―−⁃➖˗۔",
    "'": "‘’‚‛′‵ʹʻʼʽˈ՚׳ꞌ",
    '"': "“”„‟ʺ״«»",
    "/": "⁄∕╱⧸⟋",
    "\\": "∖⧵⧹",
    "*": "∗⁎٭",
    ":": "∶ː։׃꞉",
    "<": "‹❮",
    ">": "›❯",
    " ": "\u2800\u1680",
    "\n": "\u2028\u2029\x85",
}
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_RUNS: tuple[tuple[int, str], ...] = (
    (0x1F1E6, _ALPHABET),  # regional indicators
    (0x1F150, _ALPHABET),  # negative circled letters
    (0x1F170, _ALPHABET),  # negative squared letters
    (0x2776, "123456789"),  # negative circled digits
    (0x278A, "123456789"),  # negative circled sans-serif digits
)

LOOKALIKES: dict[str, str] = {similar: ascii for ascii, many in _LOOKS_LIKE.items() for similar in many} | {
    chr(start + offset): ascii for start, run in _RUNS for offset, ascii in enumerate(run)
}
"""Character → the ASCII character it passes for."""
