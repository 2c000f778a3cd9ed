"""`spasmwatch backup` and `spasmwatch restore`: everything that is kept, in one file and back."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector import plain_json
from detector.errors import ServiceError, StorageError
from detector.terminal.invocation import Invocation, UsageError, check_target, program_name
from detector.words.phrases import NOTICE, counted

if TYPE_CHECKING:
    from detector.config import Settings
    from detector.store.restoring import Manifest


def backup(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Archive to write, NAME.zip; it must not exist.")
    ],
) -> None:
    """Copy all that is kept into one archive, also while a night runs.

    Recordings, events, alerts, what people said, who may see the page, keys, and the settings. Keep
    it where only you can read it. Passwords in files that the settings name are not in it.
    """
    from detector.store.backup import back_up, check_place, size_of

    call = Invocation.of(ctx)
    configuration = call.configuration()
    folder = configuration.settings.data_dir
    check_target("FILE", file, ".zip", new=True)
    why = check_place(folder, file)
    if why:
        raise UsageError(why)
    with call.out.progress(file.name, size_of(folder)) as advance:
        made = back_up(
            folder, file, at=datetime.now(UTC), settings=configuration.path, advance=advance
        )
    for warning in made.warnings:
        call.out.say(warning)
    if call.out.json:
        body = {"file": str(file), "files": len(made.files), "bytes": made.size}
        call.out.data(plain_json.line(body))
        return
    call.out.data(f"{counted(len(made.files), 'file')}, {_megabytes(made.size)}, are in {file}.")
    call.out.say("It holds health data and keys: keep it where only you can read it.")
    call.out.say(f"Back again: {program_name()} restore {file}")
    call.out.say(NOTICE)


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive that `backup` wrote.")],
    *,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Also where there are data: these are kept beside it."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Verify the archive alone, and change nothing.")
    ] = False,
) -> None:
    """Put back what `backup` copied, once all of it is verified.

    Data that are there are replaced only with --replace, and kept beside the new ones. Settings are
    put back where there are none. No night may run.
    """
    from detector.config.reading import default_path
    from detector.store.restoring import is_empty, put_in_place, staging, unpack

    call = Invocation.of(ctx)
    configuration = call.configuration()
    settings = configuration.settings
    folder = settings.data_dir
    if not check:
        _check_free(settings)
        if not replace and not is_empty(folder):
            raise UsageError(
                f"There are data in {folder}. To put the backup in their place, and keep them "
                "beside it, add --replace; or restore into another folder with --data-dir."
            )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder.parent} cannot be made: {error.strerror}") from error
    staged = staging(folder)
    found_settings = staged.with_name(f"{staged.name}-settings")
    _clear(staged, found_settings)
    try:
        with call.out.progress(file.name, _size(file)) as advance:
            manifest = unpack(file, staged, settings=found_settings, advance=advance)
        if check:
            _tell(call, manifest, f"{file} is whole.")
            return
        _check_free(settings)
        aside = put_in_place(staged, folder)
        where = call.config_path or configuration.path or default_path()
        said = _settings(found_settings, where)
    finally:
        _clear(staged, found_settings)
    _tell(call, manifest, f"Restored into {folder}.")
    if aside is not None:
        call.out.say(f"What was there before is kept in {aside}; delete it when all is well.")
    if said:
        call.out.say(said)


def _check_free(settings: Settings) -> None:
    """Check that no night runs, and that nothing else uses the data folder.

    Raises
    ------
    ServiceError, StateError
        One does.
    """
    from detector.events import Origin
    from detector.service.persistence.places import DataFolder
    from detector.store.state_file import lock
    from detector.supervision.present import present

    if present(settings.data_dir, os.environ).runs:
        raise ServiceError("A night runs with this data folder: stop it first, then restore.")
    for origin in (Origin.LIVE, Origin.SIMULATED):
        state = DataFolder.of(settings.data_dir, origin).state
        if state.exists():
            os.close(lock(state))


def _settings(found: Path, where: Path) -> str:
    """Put settings back where there are none; return what is said of it."""
    if not found.exists():
        return ""
    if where.exists():
        return f"The settings in {where} stay as they are; those of the backup are in the archive."
    where.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(found, where)
    where.chmod(0o600)
    return f"The settings are in {where}."


def _clear(*paths: Path) -> None:
    """Delete what a restore that was killed has left, or this one leaves."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _tell(call: Invocation, manifest: Manifest, what: str) -> None:
    if call.out.json:
        body = {
            "made": manifest.made,
            "wearer": manifest.wearer,
            "files": len(manifest.files),
            "bytes": manifest.size,
        }
        call.out.data(plain_json.line(body))
        return
    files, size = counted(len(manifest.files), "file"), _megabytes(manifest.size)
    call.out.data(f"{what} {files}, {size}, of {manifest.made}.")
    call.out.say(NOTICE)


def _size(file: Path) -> int:
    """Return roughly how much is unpacked."""
    return 2 * file.stat().st_size if file.is_file() else 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
