"""The made-up world: what decides the look of a picture, by country and town.

Names and coordinates of towns are real, so that maps, borders and distances work; everything that
is drawn there is invented, and no picture resembles the place it is labelled with.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from graticule.errors import GraticuleError


class Town(NamedTuple):
    """A town: its name, its region's, and its centre in degrees."""

    city: str
    region: str
    lat: float
    lon: float


class Country(NamedTuple):
    """A country of the planet.

    Attributes:
        code: ISO 3166-1 alpha-2.
        climate: ground and plants: tropical, arid, mediterranean, temperate, continental, polar.
        script: of its signs.
        house: the shape of its buildings.
        wall: hue of its walls, 0…360 degrees; countries of one region share shapes, not walls.
        left: traffic keeps left.
        towns: where photos are taken.
    """

    code: str
    climate: str
    script: str
    house: str
    wall: int
    left: bool
    towns: tuple[Town, ...]


def _country(line: str, *towns: str) -> Country:
    code, climate, script, house, wall, side = line.split()
    found = []
    for town in towns:
        city, region, lat, lon = town.split("|")
        found.append(Town(city, region, float(lat), float(lon)))
    return Country(code, climate, script, house, int(wall), side == "left", tuple(found))


COUNTRIES: Final = (
    _country(
        "FR temperate latin gable 40 right",
        "Paris|Île-de-France|48.8566|2.3522",
        "Lyon|Auvergne-Rhône-Alpes|45.7640|4.8357",
        "Toulouse|Occitanie|43.6047|1.4442",
    ),
    _country(
        "GB temperate latin row 12 left",
        "London|England|51.5074|-0.1278",
        "Manchester|England|53.4808|-2.2426",
        "Glasgow|Scotland|55.8642|-4.2518",
    ),
    _country(
        "ES mediterranean latin flat 48 right",
        "Madrid|Madrid|40.4168|-3.7038",
        "Seville|Andalusia|37.3891|-5.9845",
        "Zaragoza|Aragon|41.6488|-0.8891",
    ),
    _country(
        "GR mediterranean greek flat 210 right",
        "Athens|Attica|37.9838|23.7275",
        "Larissa|Thessaly|39.6390|22.4191",
    ),
    _country(
        "NO polar latin gable 0 right",
        "Oslo|Oslo|59.9139|10.7522",
        "Lillehammer|Innlandet|61.1153|10.4662",
        "Kautokeino|Finnmark|69.0117|23.0423",
    ),
    _country(
        "RU continental cyrillic block 200 right",
        "Moscow|Moscow|55.7558|37.6173",
        "Kazan|Tatarstan|55.7963|49.1088",
        "Novosibirsk|Novosibirsk|55.0084|82.9357",
    ),
    _country(
        "TR mediterranean latin dome 30 right",
        "Ankara|Ankara|39.9334|32.8597",
        "Konya|Konya|37.8746|32.4932",
    ),
    _country(
        "EG arid arabic flat 44 right",
        "Cairo|Cairo|30.0444|31.2357",
        "Luxor|Luxor|25.6872|32.6396",
    ),
    _country(
        "MA arid arabic dome 8 right",
        "Marrakesh|Marrakesh-Safi|31.6295|-7.9811",
        "Fez|Fès-Meknès|34.0181|-5.0078",
    ),
    _country(
        "NG tropical latin hut 25 right",
        "Ibadan|Oyo|7.3775|3.9470",
        "Kano|Kano|12.0022|8.5920",
        "Abuja|Federal Capital Territory|9.0765|7.3986",
    ),
    _country(
        "KE tropical latin hut 120 left",
        "Nairobi|Nairobi|-1.2921|36.8219",
        "Nakuru|Nakuru|-0.3031|36.0800",
    ),
    _country(
        "ZA arid latin row 55 left",
        "Johannesburg|Gauteng|-26.2041|28.0473",
        "Bloemfontein|Free State|-29.0852|26.1596",
    ),
    _country(
        "IN tropical devanagari dome 330 left",
        "Delhi|Delhi|28.6139|77.2090",
        "Nagpur|Maharashtra|21.1458|79.0882",
        "Bengaluru|Karnataka|12.9716|77.5946",
    ),
    _country(
        "TH tropical thai pagoda 45 left",
        "Bangkok|Bangkok|13.7563|100.5018",
        "Chiang Mai|Chiang Mai|18.7883|98.9853",
    ),
    _country(
        "ID tropical latin pagoda 100 left",
        "Bandung|West Java|-6.9175|107.6191",
        "Yogyakarta|Yogyakarta|-7.7956|110.3695",
    ),
    _country(
        "JP temperate kana pagoda 220 left",
        "Kyoto|Kyoto|35.0116|135.7681",
        "Nagano|Nagano|36.6513|138.1810",
        "Sapporo|Hokkaido|43.0618|141.3545",
    ),
    _country(
        "KR continental hangul block 160 right",
        "Daejeon|Daejeon|36.3504|127.3845",
        "Daegu|Daegu|35.8714|128.6014",
    ),
    _country(
        "CN continental han pagoda 355 right",
        "Beijing|Beijing|39.9042|116.4074",
        "Xi'an|Shaanxi|34.3416|108.9398",
        "Chengdu|Sichuan|30.5728|104.0668",
    ),
    _country(
        "MN continental cyrillic hut 60 right",
        "Ulaanbaatar|Ulaanbaatar|47.8864|106.9057",
        "Erdenet|Orkhon|49.0278|104.0444",
    ),
    _country(
        "AU arid latin gable 20 left",
        "Alice Springs|Northern Territory|-23.6980|133.8807",
        "Canberra|Australian Capital Territory|-35.2809|149.1300",
        "Ballarat|Victoria|-37.5622|143.8503",
    ),
    _country(
        "NZ temperate latin row 140 left",
        "Hamilton|Waikato|-37.7870|175.2793",
        "Palmerston North|Manawatū-Whanganui|-40.3523|175.6082",
    ),
    _country(
        "US continental latin tower 205 right",
        "Denver|Colorado|39.7392|-104.9903",
        "Kansas City|Missouri|39.0997|-94.5786",
        "Atlanta|Georgia|33.7490|-84.3880",
    ),
    _country(
        "CA polar latin tower 230 right",
        "Calgary|Alberta|51.0447|-114.0719",
        "Winnipeg|Manitoba|49.8951|-97.1384",
        "Yellowknife|Northwest Territories|62.4540|-114.3718",
    ),
    _country(
        "MX arid latin flat 310 right",
        "Guadalajara|Jalisco|20.6597|-103.3496",
        "Puebla|Puebla|19.0414|-98.2063",
        "Chihuahua|Chihuahua|28.6330|-106.0691",
    ),
    _country(
        "BR tropical latin tower 90 right",
        "Brasília|Federal District|-15.7939|-47.8828",
        "São Paulo|São Paulo|-23.5505|-46.6333",
        "Manaus|Amazonas|-3.1190|-60.0217",
    ),
    _country(
        "AR temperate latin block 190 right",
        "Córdoba|Córdoba|-31.4201|-64.1888",
        "Mendoza|Mendoza|-32.8895|-68.8458",
        "Neuquén|Neuquén|-38.9516|-68.0591",
    ),
    _country(
        "IS polar latin gable 350 right",
        "Selfoss|Southern Region|63.9331|-20.9971",
        "Akureyri|Northeastern Region|65.6826|-18.0907",
    ),
    _country(
        "IR arid arabic dome 185 right",
        "Tehran|Tehran|35.6892|51.3890",
        "Isfahan|Isfahan|32.6546|51.6680",
        "Yazd|Yazd|31.8974|54.3569",
    ),
    _country(
        "PL continental latin gable 75 right",
        "Warsaw|Masovia|52.2297|21.0122",
        "Kraków|Lesser Poland|50.0647|19.9450",
    ),
    _country(
        "ET tropical ethiopic hut 280 right",
        "Addis Ababa|Addis Ababa|9.0300|38.7400",
        "Bahir Dar|Amhara|11.5742|37.3614",
    ),
)


def choose(n: int, order: list[int]) -> tuple[Country, ...]:
    """The countries at the first ``n`` places of ``order``, by code.

    Raises:
        GraticuleError: the planet does not have so many.
    """
    if not 1 <= n <= len(COUNTRIES):
        raise GraticuleError(f"--countries {n}: the planet has 1 to {len(COUNTRIES)}")
    return tuple(sorted((COUNTRIES[i] for i in order[:n]), key=lambda country: country.code))
