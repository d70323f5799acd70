"""Photos from the Flickr API: S3's ten cities, or any list of places, politely and resumably."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graticule.download import Client
from graticule.errors import DownloadError, GraticuleError
from graticule.files import read_json, write_json
from graticule.photos.sources.pictures import Album
from graticule.photos.sources.source import About, Row, coordinates, safe_name

API: Final = "https://api.flickr.com/services/rest/"
KEY_VARIABLE: Final = "FLICKR_API_KEY"
#: What Flickr asks its users to stay below.
CALLS_AN_HOUR: Final = 3600

ABOUT = About(
    name="flickr",
    title="Flickr, through its API",
    home="https://www.flickr.com/services/api/",
    files=(),
    licence="each photo has its own, kept in the column 'licence'; the API's terms of use apply "
    "(https://www.flickr.com/help/terms/api)",
    citation="the photographers, kept in the column 'attribution'",
    columns=(
        "path",
        "lat",
        "lon",
        "country",
        "city",
        "photographer",
        "captured_at",
        "uploaded_at",
        "accuracy",
        "page",
        "source",
        "licence",
        "attribution",
    ),
)

#: Flickr's number for "all rights reserved"; every other licence allows some use by others.
RESERVED: Final = "0"
_CC_URL: Final = re.compile(r"creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)")

#: Flickr's letters for sizes, by the longest side in pixels; "n" is Small 320.
SIZES: Final = {"t": 100, "q": 150, "m": 240, "n": 320, "w": 400, "z": 640, "c": 800, "b": 1024}
#: The API's own names for two of them differ from the letters in addresses.
_EXTRA_OF: Final = {"m": "url_s", "b": "url_l"}

#: The API gives no more than about 4,000 different photos for one question.
_WINDOW: Final = 4000
_PER_PAGE: Final = 250
_RADIUS_KM: Final = 20
_ISO_DIGITS: Final = {"0": 19, "4": 7, "6": 4}


@dataclass(frozen=True)
class City:
    """A place to search around."""

    name: str
    lat: float
    lon: float
    country: str = ""


#: S3's, in its order.
TEN_CITIES: Final = (
    City("Paris", 48.8566, 2.3522, "FR"),
    City("Tokyo", 35.6762, 139.6503, "JP"),
    City("London", 51.5074, -0.1278, "GB"),
    City("Bangkok", 13.7563, 100.5018, "TH"),
    City("New York", 40.7128, -74.0060, "US"),
    City("Amsterdam", 52.3676, 4.9041, "NL"),
    City("Mumbai", 19.0760, 72.8777, "IN"),
    City("Barcelona", 41.3874, 2.1686, "ES"),
    City("Venice", 45.4408, 12.3155, "IT"),
    City("Los Angeles", 34.0522, -118.2437, "US"),
)


@dataclass(frozen=True)
class Search:
    """What is asked for in every city.

    Attributes:
        keyword: the word to search for.
        size: one of :data:`SIZES`.
        licences: Flickr's numbers; see :func:`licence_names`.
        radius_km: around the city's centre.
    """

    keyword: str = "streets"
    size: str = "n"
    licences: tuple[str, ...] = ()
    radius_km: float = _RADIUS_KM

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise GraticuleError(f"--size {self.size}: one of {', '.join(SIZES)} (n is Small 320)")
        for number in self.licences:
            if not number.isdigit():
                raise GraticuleError(
                    f"--licence {number}: Flickr's licences are numbers, as 4 for CC BY 2.0"
                )
        if not 0 < self.radius_km <= 32:
            raise GraticuleError(f"--radius-km {self.radius_km:g}: Flickr searches up to 32 km")

    @property
    def extra(self) -> str:
        """The name that the API gives to the address of this size."""
        return _EXTRA_OF.get(self.size, f"url_{self.size}")


def parse_city(text: str) -> City:
    """A city from the command line: one of the ten by name, or ``NAME=LAT,LON``.

    Raises:
        GraticuleError: it is neither.
    """
    name, equals, place = text.partition("=")
    if not equals:
        for city in TEN_CITIES:
            if city.name.lower() == name.strip().lower():
                return city
        raise GraticuleError(
            f"--city {text!r}: not one of the ten; give its place: --city '{name.strip()}=LAT,LON'"
        )
    pair = coordinates(*(place.split(",") if place.count(",") == 1 else ("", "")))
    if pair is None or not name.strip():
        raise GraticuleError(f"--city {text!r}: write NAME=LAT,LON in degrees, as Rome=41.9,12.5")
    return City(name.strip(), *pair)


def rows(
    album: Album,
    api: Client,
    key: str,
    city: City,
    search: Search,
    per_city: int,
    base: str = API,
    licences: Mapping[str, str] | None = None,
) -> Iterator[Row]:
    """Rows of one city's photos, each downloaded before it is given.

    Args:
        album: where photos go; opened.
        api: asks the API; its pace is the API's.
        key: the API key.
        city: the place.
        search: what is asked for.
        per_city: stop after so many.
        base: the API's address.
        licences: what their numbers mean: :func:`licence_names`.

    Raises:
        DownloadError: the key is wrong, or the API does not answer.
    """
    names = licences or {}
    count = 0
    for photo in listed(api, key, city, search, album.folder / ".flickr", base):
        if count >= per_city:
            return
        path = album.get(str(photo["id"]), photo_url(photo, search))
        if path is not None:
            count += 1
            yield _row(photo, path, city, names)


def listed(
    api: Client, key: str, city: City, search: Search, cache: Path, base: str = API
) -> Iterator[Mapping[str, Any]]:
    """What the API knows of a city, newest first, each photo once.

    Where there is more than the API gives for one question, the next question ends at the oldest
    upload seen. Answers are kept, so that a later run asks only for what is new to it.
    """
    question = _question(city, search)
    tag = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:8]
    seen: set[str] = set()
    until = ""
    number = 0
    while True:
        fresh = 0
        for page in range(1, _WINDOW // _PER_PAGE + 1):
            number += 1
            kept = cache / tag / f"{safe_name(city.name)}-{number:04}.json"
            answer = _kept(kept)
            if answer is None:
                asked = {**question, "page": str(page)} | (
                    {"max_upload_date": until} if until else {}
                )
                answer = ask(api, base, key, "flickr.photos.search", asked)
                if not _is_listing(answer):
                    raise DownloadError(
                        f"{base}: the answer is not a list of photos; is this Flickr's API?"
                    )
                write_json(kept, answer)
            photos = answer["photos"]["photo"]
            for photo in photos:
                if photo["id"] not in seen:
                    seen.add(photo["id"])
                    fresh += 1
                    yield photo
            if not photos or page >= int(answer["photos"]["pages"]):
                return
            oldest = min(str(photo.get("dateupload") or "") for photo in photos)
        if not fresh or not oldest:
            return
        until = oldest


def _kept(path: Path) -> Any:
    if not path.is_file():
        return None
    answer = read_json(path)
    return answer if _is_listing(answer) else None


def _is_listing(answer: Any) -> bool:
    return (
        isinstance(answer, dict)
        and isinstance(answer.get("photos"), dict)
        and isinstance(answer["photos"].get("photo"), list)
        and all(isinstance(p, dict) and "id" in p for p in answer["photos"]["photo"])
        and str(answer["photos"].get("pages", "")).isdigit()
    )


def _question(city: City, search: Search) -> dict[str, str]:
    wanted = {"license": ",".join(search.licences)} if search.licences else {}
    return wanted | {
        "text": search.keyword,
        "lat": f"{city.lat:g}",
        "lon": f"{city.lon:g}",
        "radius": f"{search.radius_km:g}",
        "radius_units": "km",
        "has_geo": "1",
        "media": "photos",
        "content_types": "0",
        "safe_search": "1",
        "sort": "date-posted-desc",
        "per_page": str(_PER_PAGE),
        "extras": f"owner_name,license,geo,date_taken,date_upload,path_alias,{search.extra}",
    }


def ask(
    api: Client, base: str, key: str, method: str, parameters: Mapping[str, str]
) -> dict[str, Any]:
    """One call of the API.

    Raises:
        DownloadError: the API refuses, in its own words; or the answer has another form.
    """
    common = {"method": method, "api_key": key, "format": "json", "nojsoncallback": "1"}
    answer = api.get_json(base, {**common, **parameters})
    if isinstance(answer, dict) and answer.get("stat") == "fail":
        code, message = answer.get("code"), answer.get("message", "no reason given")
        if code == 100:
            raise DownloadError(
                f"Flickr refuses the key in {KEY_VARIABLE} ({message}); get one at "
                "https://www.flickr.com/services/apps/create/"
            )
        raise DownloadError(f"Flickr answers {code}: {message}; run this again later")
    if not isinstance(answer, dict):
        raise DownloadError(f"{base}: the answer is not a list of anything; is this Flickr's API?")
    return answer


def licence_names(api: Client, key: str, base: str = API) -> dict[str, str]:
    """What Flickr's numbers for licences mean today, by number: "4" is "CC BY 2.0".

    Asked for at every start, since Flickr adds some from time to time.

    Raises:
        DownloadError: the key is wrong, or the API does not answer.
    """
    answer = ask(api, base, key, "flickr.photos.licenses.getInfo", {})
    try:
        found = answer["licenses"]["license"]
        return {str(one["id"]): _licence(str(one["name"]), str(one["url"])) for one in found}
    except (KeyError, TypeError) as error:
        raise DownloadError(
            f"{base}: the answer is not a list of licences; is this Flickr's API?"
        ) from error


def _licence(name: str, url: str) -> str:
    """A licence as the field writes it, from the address of its text; else in Flickr's words."""
    found = _CC_URL.search(url)
    if found:
        return f"CC {found.group(1).upper()} {found.group(2)}"
    if "publicdomain/zero" in url:
        return "CC0 1.0"
    if "publicdomain/mark" in url:
        return "Public Domain Mark 1.0"
    return name


def photo_url(photo: Mapping[str, Any], search: Search) -> str:
    """The address of a photo in the wanted size, as the API gives it or as it is made up."""
    given = photo.get(search.extra)
    if isinstance(given, str) and given:
        return given
    server, secret = photo.get("server", ""), photo.get("secret", "")
    return f"https://live.staticflickr.com/{server}/{photo['id']}_{secret}_{search.size}.jpg"


def _row(photo: Mapping[str, Any], path: str, city: City, licences: Mapping[str, str]) -> Row:
    owner = str(photo.get("owner", ""))
    page = f"https://www.flickr.com/photos/{photo.get('pathalias') or owner}/{photo['id']}"
    lat, lon = coordinates(photo.get("latitude"), photo.get("longitude")) or (None, None)
    licence = str(photo.get("license", ""))
    return {
        "path": path,
        "lat": lat,
        "lon": lon,
        "country": city.country,
        "city": city.name,
        "photographer": owner,
        "captured_at": _taken(photo),
        "uploaded_at": str(photo.get("dateupload", "")),
        "accuracy": str(photo.get("accuracy", "")),
        "page": page,
        "source": ABOUT.name,
        "licence": licences.get(licence, f"Flickr licence {licence}"),
        "attribution": f"{photo.get('ownername') or owner}, {page}",
    }


def _taken(photo: Mapping[str, Any]) -> str:
    """When it was taken, as precisely as Flickr knows: a second, a month or a year."""
    if str(photo.get("datetakenunknown", "0")) == "1":
        return ""
    digits = _ISO_DIGITS.get(str(photo.get("datetakengranularity", "0")), 4)
    text = str(photo.get("datetaken", ""))[:digits].replace(" ", "T")
    return "" if text.startswith("0000") else text
