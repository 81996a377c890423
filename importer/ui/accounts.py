"""The accounts that the page can import into: the user's own, and the practice CRM. The key never leaves this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from importer.credentials import Credentials, Secret, find_credentials
from importer.errors import MissingKeyError, NothingSentError, RunStoppedError
from importer.models.mapping import AccountTitles
from importer.pipeline.account_lists import fetch_account_titles
from importer.settings import Settings
from importer.ui.practice import PracticeCrm


class Accounts:
    """Finds the credentials for a run. A key that is typed into the page stays in memory; the address is never typed.

    `is_practice`: new sheets go to the practice CRM. `on_key` gets each key, so that it can be kept out of the log.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        folder: Path,
        practice: PracticeCrm,
        on_key: Callable[[Secret], None],
    ) -> None:
        self.practice = practice
        self.is_practice = False
        self._on_key = on_key
        self._environ = environ
        self._folder = folder
        self._typed_key = self._known_key = ""
        self._titles: dict[str, AccountTitles] = {}

    def set_key(self, key: str) -> None:
        """Use this key from now on, until the command ends. Raises MissingKeyError for one that cannot be a key."""
        find_credentials(self._environ, self._folder, typed_key=key)
        self._typed_key = key
        self._titles.clear()

    def find(self, *, is_practice: bool) -> Credentials:
        """Return the credentials of the account, or of the practice CRM, which is started. Raises MissingKeyError, UsageError."""
        if is_practice:
            return self.practice.start()
        credentials = find_credentials(self._environ, self._folder, typed_key=self._typed_key)
        if credentials.key.reveal() != self._known_key:
            self._known_key = credentials.key.reveal()
            self._on_key(credentials.key)
        return credentials

    def find_by_address(self, base_url: str) -> Credentials:
        """Return the credentials for a run that was made for this address.

        The pipeline refuses those of another address.
        """
        return self.find(is_practice=self.is_practice_address(base_url))

    def is_practice_address(self, base_url: str) -> bool:
        """Return whether this is the address of the practice CRM, which is started if there is one."""
        return self.practice.exists and self.practice.start().base_url == base_url

    @property
    def missing_key(self) -> MissingKeyError | None:
        """Why there is no key for the user's own account, or None if there is one."""
        try:
            self.find(is_practice=False)
        except MissingKeyError as error:
            return error
        return None

    def get_titles(self, credentials: Credentials) -> AccountTitles:
        """Return the account's lists, read once. They help to recognise columns: without network there are none."""
        address = credentials.base_url
        if address not in self._titles:
            try:
                self._titles[address] = fetch_account_titles(credentials, _QUICK, lambda _: None)
            except (NothingSentError, RunStoppedError):
                return {}
        return self._titles[address]


_QUICK = Settings(timeout=5.0, max_wait=5.0)
"""A page does not wait long for what it can do without."""
