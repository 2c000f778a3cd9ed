"""What a page's form or script sends, read within limits."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from detector import plain_json
from detector.web.answers import JSON

PATIENCE_S = 5.0  # for a body, and for a page to take what is sent to it
FORM = "application/x-www-form-urlencoded"


async def fields_of(request: web.Request) -> tuple[dict[str, Any], bool]:
    """Return the fields that were sent, and whether as JSON."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            if request.content_type == JSON:
                data = await request.read()
                said = plain_json.parsed(data, depth_most=2)
                if not isinstance(said, dict):
                    raise web.HTTPBadRequest(text="an object is expected")
                return said, True
            if request.content_type == FORM:
                return {str(key): value for key, value in (await request.post()).items()}, False
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the request took too long") from None
    except (ValueError, LookupError):  # the latter where nobody knows the charset it names
        raise web.HTTPBadRequest(text="this is no form and no JSON") from None
    raise web.HTTPUnsupportedMediaType(text="send a form or JSON")
