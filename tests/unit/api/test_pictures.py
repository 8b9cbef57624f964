"""A61: uploaded pictures are measured before they are decoded, and drawn anew by us."""

import io
import struct
import zlib

import pytest
from PIL import Image
from tests.harness.household import Household
from tests.harness.visitor import Site

from madang.base.limits import AVATAR_PIXELS, UPLOAD_BYTES


def _picture(kind: str, size: tuple[int, int] = (640, 480), **more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 40, 40)).save(out, kind, **more)
    return out.getvalue()


def _png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


async def _put(browser: object, content: bytes, kind: str = "image/png") -> object:
    return await browser.ask("PUT", "/me/avatar", content=content, headers={"Content-Type": kind})  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_a_picture_becomes_our_own_webp(web: Site, kind: str) -> None:
    _, browser = await web.account("kim")
    answer = await _put(browser, _picture(kind), f"image/{kind.lower()}")
    assert answer.status_code == 200, answer.text  # type: ignore[attr-defined]
    url = answer.json()["avatar_url"]  # type: ignore[attr-defined]
    served = await (await web.visitor()).page(url)
    assert served.headers["content-type"] == "image/webp"
    assert "immutable" in served.headers["cache-control"]
    drawn = Image.open(io.BytesIO(served.content))
    assert drawn.format == "WEBP" and drawn.size == (480, 480)


async def test_large_pictures_shrink_and_metadata_goes(web: Site) -> None:
    _, browser = await web.account("kim")
    exif = Image.Exif()
    exif[0x010E] = "planted description"
    answer = await _put(browser, _picture("JPEG", (3000, 2000), exif=exif), "image/jpeg")
    served = await browser.page(answer.json()["avatar_url"])  # type: ignore[attr-defined]
    assert Image.open(io.BytesIO(served.content)).size == (AVATAR_PIXELS, AVATAR_PIXELS)
    assert b"planted" not in served.content


async def test_a_new_picture_has_a_new_address(web: Site, house: Household) -> None:
    _, browser = await web.account("kim")
    first = (await _put(browser, _picture("PNG"))).json()["avatar_url"]  # type: ignore[attr-defined]
    second = (await _put(browser, _picture("PNG"))).json()["avatar_url"]  # type: ignore[attr-defined]
    assert first != second and (await browser.page(first)).status_code == 404
    assert (await browser.ask("DELETE", "/me/avatar")).status_code == 204
    assert (await browser.get("/me")).json()["account"]["avatar_url"] is None


BAD = {
    "nothing": b"",
    "text": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "html": b"<html><script>alert(1)</script></html>",
    "100k x 100k": _png_that_claims(100_000, 100_000),
    "4097 wide": _png_that_claims(4097, 10),
    "cut": _picture("PNG")[:100],
    "TIFF": _picture("TIFF"),
    "BMP": _picture("BMP"),
    "head alone": b"\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("kind", BAD)
async def test_what_is_no_picture_is_refused(web: Site, kind: str) -> None:
    _, browser = await web.account("kim")
    answer = await _put(browser, BAD[kind])
    assert answer.status_code == 422, answer.text  # type: ignore[attr-defined]
    assert answer.json()["errors"][0]["field"] == "picture"  # type: ignore[attr-defined]


async def test_type_and_size_are_looked_at_first(web: Site) -> None:
    """A44."""
    _, browser = await web.account("kim")
    svg = await _put(browser, b"<svg/>", "image/svg+xml")
    assert svg.status_code == 415  # type: ignore[attr-defined]
    large = await _put(browser, b"x" * (UPLOAD_BYTES + 1))
    assert large.status_code == 413  # type: ignore[attr-defined]


async def test_frames_beyond_the_first_are_not_drawn(web: Site) -> None:
    _, browser = await web.account("kim")
    frames = [Image.new("P", (64, 64), number) for number in range(200)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    answer = await _put(browser, out.getvalue(), "image/gif")
    served = await browser.page(answer.json()["avatar_url"])  # type: ignore[attr-defined]
    assert getattr(Image.open(io.BytesIO(served.content)), "n_frames", 1) == 1
