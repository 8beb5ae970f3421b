"""Exceptions in CLDR's supplemental data: what territories inherit from the world, and currencies
from the default currency.

Each function yields facts (subject kind, subject, property, inherited value, actual value, reason,
references); those whose two values are equal, or that inherit nothing, are no exceptions.
"""
from typing import NamedTuple, Optional

WORLD = "001"


class Fact(NamedTuple):
    kind: str               # "territory" or "currency"
    subject: str
    property: str
    inherited: object
    actual: object
    reason: str
    references: Optional[str] = None
    confidence: float = 1.0


def number(text):
    return float(text) if "." in text or "E" in text else int(text)


def territory_facts(prop, stated):
    """`stated`: (territory, value) pairs; the world's value is what the others inherit."""
    default = dict(stated).get(WORLD)
    for territory, value in stated:
        yield Fact("territory", territory, prop, default, value, "%s overrides 001" % territory)


def week_data(root):
    week = root.find("weekData")
    for tag in ("minDays", "firstDay", "weekendStart", "weekendEnd"):
        stated = []
        for entry in week.findall(tag):
            if not entry.get("alt"):
                value = number(entry.get("count")) if tag == "minDays" else entry.get("day")
                stated += [(territory, value) for territory in entry.get("territories").split()]
        yield from territory_facts("weekData/" + tag, stated)


def measurement_data(root):
    measurement = root.find("measurementData")
    for tag in ("measurementSystem", "paperSize"):
        entries = measurement.findall(tag)
        for category in dict.fromkeys(entry.get("category") for entry in entries):
            stated = [(territory, entry.get("type")) for entry in entries
                      if entry.get("category") == category
                      for territory in entry.get("territories").split()]
            suffix = '[@category="%s"]' % category if category else ""
            yield from territory_facts("measurementData/" + tag + suffix, stated)


def calendars_and_hours(root):
    for tag, attribute in (("calendarPreferenceData", "ordering"), ("timeData", "allowed"),
                           ("timeData", "preferred")):
        table = {}
        for entry in root.find(tag):
            value = entry.get(attribute)
            if attribute != "preferred":
                value = value.split()
            for territory in (entry.get("territories") or entry.get("regions")).split():
                table[territory] = value
        for territory, value in table.items():
            # Rows of a locale (en_001) inherit from their region, regions from the world.
            parent = territory.split("_")[-1] if "_" in territory else WORLD
            yield Fact("territory", territory, tag + "/" + attribute,
                       table.get(parent, table.get(WORLD)), value,
                       "%s overrides %s" % (territory, parent if parent in table else WORLD))


def currency_fractions(root):
    fractions = {entry.get("iso4217"): entry.attrib
                 for entry in root.find("currencyData/fractions")}
    for currency, attributes in fractions.items():
        for name, value in attributes.items():
            if name == "iso4217":
                continue
            if name.startswith("cash"):  # cashDigits inherits from digits, cashRounding alike
                plain = name[len("cash"):].lower()
                inherited, origin = attributes.get(plain), "its own " + plain
            else:
                inherited, origin = fractions["DEFAULT"].get(name), "DEFAULT"
            yield Fact("currency", currency, "fractions/" + name, number(inherited),
                       number(value), "%s overrides %s" % (currency, origin))


def writing_percentages(root):
    """How many write a language, against how many in the territory can write at all."""
    for territory in root.find("territoryInfo"):
        literacy = number(territory.get("literacyPercent"))
        for entry in territory.findall("languagePopulation"):
            if not entry.get("writingPercent"):
                continue
            language, references = entry.get("type"), entry.get("references")
            yield Fact("territory", territory.get("type"),
                       'territoryInfo/languagePopulation[@type="%s"]/writingPercent' % language,
                       literacy, number(entry.get("writingPercent")),
                       "%s in %s departs from the territory's literacy"
                       % (language, territory.get("type")),
                       references, 0.9 if references else 0.7)


def exceptions(root):
    """-> Facts that are exceptions, with the references spelled out in their reasons."""
    titles = {entry.get("type"): " ".join((entry.text or "").split())
              for entry in root.iter("reference")}
    for source in (week_data, measurement_data, calendars_and_hours, currency_fractions,
                   writing_percentages):
        for fact in source(root):
            if fact.inherited is None or fact.inherited == fact.actual:
                continue
            if fact.references:
                notes = "; ".join(titles.get(name, name) for name in fact.references.split())
                fact = fact._replace(reason=fact.reason + ": " + notes)
            yield fact
