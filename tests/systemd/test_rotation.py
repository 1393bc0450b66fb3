from __future__ import annotations

import pytest

from pm2sd.systemd.rotation import patterns_of


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("/var/log/a.log {\n  daily\n}\n", ["/var/log/a.log"]),
        ('"/srv/my app/*.log" /srv/b.log {\n}\n', ["/srv/my app/*.log", "/srv/b.log"]),
        ("/a/x.log\n/a/y.log\n{\n size 1M\n}\n", ["/a/x.log", "/a/y.log"]),
        ("weekly\ncreate\ninclude /etc/logrotate.d\n", []),
    ],
)
def test_the_patterns_of_a_configuration(text: str, patterns: list[str]) -> None:
    assert patterns_of(text) == patterns
